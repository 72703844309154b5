/* Prints where the fields of the IP Helper API's rows lie, as the headers of this compiler have them, in JSON. */
#include <winsock2.h>
#include <ws2ipdef.h>
#include <iphlpapi.h>
#include <netioapi.h>
#include <stddef.h>
#include <stdio.h>

#define AT(name, type, field) printf("\"%s\":%u,", name, (unsigned)offsetof(type, field))
#define END(type) printf("\"bytes\":%u}", (unsigned)sizeof(type))

int main(void) {
    printf("{\"interface\":{");
    AT("luid", MIB_IF_ROW2, InterfaceLuid);
    AT("index", MIB_IF_ROW2, InterfaceIndex);
    AT("alias", MIB_IF_ROW2, Alias);
    AT("description", MIB_IF_ROW2, Description);
    AT("macLength", MIB_IF_ROW2, PhysicalAddressLength);
    AT("mac", MIB_IF_ROW2, PhysicalAddress);
    AT("mtu", MIB_IF_ROW2, Mtu);
    AT("type", MIB_IF_ROW2, Type);
    AT("flags", MIB_IF_ROW2, InterfaceAndOperStatusFlags);
    AT("operStatus", MIB_IF_ROW2, OperStatus);
    END(MIB_IF_ROW2);
    printf(",\"address\":{");
    AT("address", MIB_UNICASTIPADDRESS_ROW, Address);
    AT("luid", MIB_UNICASTIPADDRESS_ROW, InterfaceLuid);
    AT("index", MIB_UNICASTIPADDRESS_ROW, InterfaceIndex);
    AT("prefixOrigin", MIB_UNICASTIPADDRESS_ROW, PrefixOrigin);
    AT("suffixOrigin", MIB_UNICASTIPADDRESS_ROW, SuffixOrigin);
    AT("validLifetime", MIB_UNICASTIPADDRESS_ROW, ValidLifetime);
    AT("preferredLifetime", MIB_UNICASTIPADDRESS_ROW, PreferredLifetime);
    AT("prefixLength", MIB_UNICASTIPADDRESS_ROW, OnLinkPrefixLength);
    AT("dadState", MIB_UNICASTIPADDRESS_ROW, DadState);
    END(MIB_UNICASTIPADDRESS_ROW);
    printf(",\"route\":{");
    AT("luid", MIB_IPFORWARD_ROW2, InterfaceLuid);
    AT("index", MIB_IPFORWARD_ROW2, InterfaceIndex);
    AT("destination", MIB_IPFORWARD_ROW2, DestinationPrefix);
    AT("prefixLength", MIB_IPFORWARD_ROW2, DestinationPrefix.PrefixLength);
    AT("nextHop", MIB_IPFORWARD_ROW2, NextHop);
    AT("validLifetime", MIB_IPFORWARD_ROW2, ValidLifetime);
    AT("preferredLifetime", MIB_IPFORWARD_ROW2, PreferredLifetime);
    AT("metric", MIB_IPFORWARD_ROW2, Metric);
    AT("protocol", MIB_IPFORWARD_ROW2, Protocol);
    AT("loopback", MIB_IPFORWARD_ROW2, Loopback);
    AT("immortal", MIB_IPFORWARD_ROW2, Immortal);
    END(MIB_IPFORWARD_ROW2);
    printf(",\"family\":{");
    AT("family", MIB_IPINTERFACE_ROW, Family);
    AT("luid", MIB_IPINTERFACE_ROW, InterfaceLuid);
    AT("automaticMetric", MIB_IPINTERFACE_ROW, UseAutomaticMetric);
    AT("managedAddress", MIB_IPINTERFACE_ROW, ManagedAddressConfigurationSupported);
    AT("otherStateful", MIB_IPINTERFACE_ROW, OtherStatefulConfigurationSupported);
    AT("routerDiscovery", MIB_IPINTERFACE_ROW, RouterDiscoveryBehavior);
    AT("dadTransmits", MIB_IPINTERFACE_ROW, DadTransmits);
    AT("sitePrefixLength", MIB_IPINTERFACE_ROW, SitePrefixLength);
    AT("metric", MIB_IPINTERFACE_ROW, Metric);
    AT("mtu", MIB_IPINTERFACE_ROW, NlMtu);
    END(MIB_IPINTERFACE_ROW);
    printf("}");
    return 0;
}
