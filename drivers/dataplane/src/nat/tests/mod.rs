mod maps;
mod masquerade;
mod model;
mod packets;
