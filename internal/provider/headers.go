package provider

import (
	"maps"
	"net/http"
	"slices"
)

// reserved headers are the adapters' or the connection's. Secrets belong to the credential, which is stored sealed.
var reserved = []string{
	"Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Host",
	"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// IsReserved reports whether a header, by its canonical name, is never an operator's to set.
func IsReserved(name string) bool { return slices.Contains(reserved, name) }

// AddHeaders puts the operator's headers beside the adapter's. own are further names, in canonical form, that are the
// adapter's. Error: ErrConfig at config.headers and the name.
func AddHeaders(h http.Header, operators map[string]string, own ...string) error {
	for _, name := range slices.Sorted(maps.Keys(operators)) { // so that the same mistake is always reported first
		canonical := http.CanonicalHeaderKey(name)
		if !ValidHeader(name, operators[name]) || IsReserved(canonical) || slices.Contains(own, canonical) {
			return FaultConfig("config.headers."+name, "This header cannot be set.")
		}
		h[canonical] = []string{operators[name]}
	}
	return nil
}
