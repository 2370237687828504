package host

import "net"

// Networks names interfaces that are up and have an address that leads out of the machine.
func Networks() Fact[[]string] {
	all, err := net.Interfaces()
	if err != nil {
		return unknown[[]string](err.Error())
	}
	var up []string
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		if addresses, err := i.Addrs(); err != nil || len(addresses) > 0 {
			up = append(up, i.Name)
		}
	}
	return known(up, "list of interfaces")
}
