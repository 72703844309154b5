//! Datagrams that a link delivers one by one, put together as a socket would have brought them.

use crate::os::{Arrival, Arrivals, LARGEST, SEGMENTS};
use std::net::SocketAddr;

/// Adds a datagram behind those that are there; false when there is no room for it. Equal ones become one batch, which is
/// opened in one go.
pub fn gather(arrivals: &mut Arrivals, datagram: &[u8], source: SocketAddr) -> bool {
    if datagram.is_empty() {
        return true;
    }
    let start = arrivals.list.last().map_or(0, |last| last.range.end);
    let end = start + datagram.len();
    let Some(room) = arrivals.slab.get_mut(start..end) else { return false };
    room.copy_from_slice(datagram);
    match arrivals.list.last_mut() {
        Some(last)
            if last.source == source
                && datagram.len() <= last.stride
                && last.range.len().is_multiple_of(last.stride)
                && last.range.len() < SEGMENTS * last.stride
                && end - last.range.start <= LARGEST =>
        {
            last.range.end = end;
        }
        _ => {
            let stride = datagram.len();
            arrivals.list.push(Arrival { range: start..end, stride, source, stamp_nanos: 0 });
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_datagrams_are_one_batch_and_all_are_there_in_order() {
        let source: SocketAddr = "1.2.3.4:5".parse().expect("an address");
        let mut arrivals = Arrivals::new();
        let lengths = [5, 5, 3, 5, 5, 9, 1, 1];
        for (at, length) in lengths.iter().enumerate() {
            assert!(gather(&mut arrivals, &vec![at as u8; *length], source));
        }
        let read: Vec<(u8, usize)> = arrivals
            .list
            .iter()
            .flat_map(|arrival| arrivals.slab[arrival.range.clone()].chunks(arrival.stride))
            .map(|datagram| (datagram[0], datagram.len()))
            .collect();
        assert_eq!(
            read,
            lengths.iter().enumerate().map(|(at, length)| (at as u8, *length)).collect::<Vec<_>>()
        );
        assert_eq!(arrivals.list.len(), 4);
        let mut more = 0;
        while gather(&mut arrivals, &[0; 60_000], source) {
            more += 1;
        }
        assert_eq!(more, 8, "no more than there is room for");
    }
}
