// Package httpx is what the control plane's HTTP surfaces share: strict reading of bodies and queries, request ids, client
// addresses, one table type for routes with their permissions, and headers that every answer carries.
package httpx

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

const maxRequestID = 128

type edgeKey struct{}

// edge is what is known of a request before anybody looks at its path. It is the request's context besides.
type edge struct {
	context.Context //nolint:containedctx // it is one itself

	requestID string
	address   netip.Addr
	secure    bool
}

// What every answer says; shared, because it is said on the way of every call.
var noSniff, noReferrer = []string{"nosniff"}, []string{"no-referrer"}

// closed ends the connection behind a chunked request. net/http drops a Content-Length beside it, by which a proxy before us
// may have seen another end of the body, so that what follows could be somebody else's request.
var closed = []string{"close"}

// Edge gives each request its id and its client's address, and answers with the id and the headers that no surface should
// be without. It goes around everything else. Proxies in trusted are believed what they say of their clients.
func Edge(trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			from := peer(req)
			e := &edge{Context: req.Context(), requestID: requestID(req.Header["X-Request-Id"]), address: from, secure: req.TLS != nil}
			if within(trusted, from) {
				e.address = clientAddress(from, req.Header["X-Forwarded-For"], trusted)
				e.secure = e.secure || strings.EqualFold(req.Header.Get("X-Forwarded-Proto"), "https")
			}
			h := w.Header()
			h["X-Request-Id"] = []string{e.requestID}
			h["X-Content-Type-Options"], h["Referrer-Policy"] = noSniff, noReferrer
			if len(req.TransferEncoding) > 0 && req.ProtoMajor == 1 {
				h["Connection"] = closed
			}
			next.ServeHTTP(w, req.WithContext(e))
		})
	}
}

// Value implements context.Context.
func (e *edge) Value(key any) any {
	if key == (edgeKey{}) {
		return e
	}
	return e.Context.Value(key)
}

// edgeOf returns what is known of a request; nothing of one that did not come through Edge.
func edgeOf(req *http.Request) *edge {
	if e, ok := req.Context().Value(edgeKey{}).(*edge); ok {
		return e
	}
	return &edge{}
}

// RequestID returns the id of a request that came through Edge; "" for another.
func RequestID(req *http.Request) string { return edgeOf(req).requestID }

// Address returns the client's address of a request that came through Edge; the zero value for another.
func Address(req *http.Request) netip.Addr { return edgeOf(req).address }

// Secure reports whether the client speaks HTTPS, with us or with a trusted proxy.
func Secure(req *http.Request) bool { return edgeOf(req).secure }

// Client returns what is known of the program that sent a request.
func Client(req *http.Request) identity.Client {
	e := edgeOf(req)
	c := identity.Client{UserAgent: shorten(req.UserAgent()), RequestID: e.requestID}
	if e.address.IsValid() {
		c.IP = e.address.String()
	}
	return c
}

// requestID takes the caller's id if it is sane, else makes one. Source: DESIGN section 4.
func requestID(given []string) string {
	visible := func(r rune) bool { return r > ' ' && r < 0x7f }
	if len(given) == 1 && given[0] != "" && len(given[0]) <= maxRequestID &&
		!strings.ContainsFunc(given[0], func(r rune) bool { return !visible(r) }) {
		return given[0]
	}
	return id.New().String()
}

// clientAddress walks back from a trusted peer through the proxies that are trusted, to the first address that is not.
func clientAddress(addr netip.Addr, forwarded []string, trusted []netip.Prefix) netip.Addr {
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && within(trusted, addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	return addr
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

func peer(req *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = req.RemoteAddr
	}
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap().WithZone("")
}

// shorten keeps a header that is stored within bounds, and free of what logs and databases cannot hold.
func shorten(s string) string {
	const most = 256
	s = strings.ToValidUTF8(s, "")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
