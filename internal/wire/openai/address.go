package openai

import (
	"net/netip"
	"net/url"
	"strings"
)

// checkAddress refuses addresses that no upstream should be sent to on a caller's behalf: other schemes than http and
// https, and hosts that name this machine or a private network. Names are not looked up and nothing is fetched: an upstream
// in the operator's own network is what is kept from fetching its neighbours where they are named outright.
// Source: THREATS, section 2.
func checkAddress(address, path string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.ContainsAny(address, "\\ ") || !isPublic(u.Hostname()) {
		return &RequestError{Message: "The address must be http or https on a public host.", Param: path, Code: CodeAddress}
	}
	return nil
}

// isPublic reports whether a host is a name of the public DNS or a public address in its usual form.
func isPublic(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return isPublicAddress(addr.Unmap())
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host || last == "" || strings.Trim(last, "0123456789abcdefx") == "" && strings.ContainsAny(last, "0123456789") {
		return false // a name without a dot, or a number in one of the forms that C libraries read
	}
	switch last {
	case "localhost", "local", "internal", "lan", "home", "arpa":
		return false
	}
	return true
}

// reserved are the networks that netip does not know by name. Source: RFC 6890.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

func isPublicAddress(a netip.Addr) bool {
	if a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
