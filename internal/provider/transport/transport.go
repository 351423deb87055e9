// Package transport keeps the connections to upstreams: HTTP/1.1, plain or over TLS, with one goroutine per call.
//
// It does what http.Transport does for a relay, in the goroutine of the caller: the standard one hands each call to two
// goroutines of the connection and keeps two buffers for as long as the connection lives, which is half the cost of a
// short call and most of the memory of an open stream. Proxies are left to http.Transport (Options.Fallback); HTTP/2 is not
// spoken, and redirects are not followed. Source: decision 0013.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// Options of a Transport.
type Options struct {
	// Connect bounds the time to a connection, and once more that of the TLS handshake; 0 means 10 s.
	Connect time.Duration
	// Idle is how long an unused connection is kept; 0 means 55 s, below the 60 s after which many servers close theirs.
	Idle time.Duration
	// MaxIdle bounds the unused connections to one host; 0 means 512.
	MaxIdle int
	// Proxy names the proxy of a request, as http.Transport.Proxy does; requests with one go through Fallback. It is asked
	// once per host. So do handshakes by which a connection becomes one of another protocol, whether there is a proxy or not.
	Proxy    func(*http.Request) (*url.URL, error)
	Fallback http.RoundTripper
	// TLS is cloned for each host; nil means the system's roots.
	TLS *tls.Config
	// Now is the time; nil means clock.System.
	Now clock.Clock
	// Dial opens connections; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultConnect = 10 * time.Second
	defaultIdle    = 55 * time.Second
	defaultMaxIdle = 512
)

// Transport is an http.RoundTripper. It is safe for concurrent use.
type Transport struct {
	o     Options
	hosts sync.Map // of *host, by scheme and address
}

// New returns a transport without connections.
func New(o Options) *Transport {
	if o.Connect == 0 {
		o.Connect = defaultConnect
	}
	if o.Idle == 0 {
		o.Idle = defaultIdle
	}
	if o.MaxIdle == 0 {
		o.MaxIdle = defaultMaxIdle
	}
	if o.Now == nil {
		o.Now = clock.System
	}
	if o.Dial == nil {
		o.Dial = dialWith(&net.Dialer{Timeout: o.Connect, KeepAlive: 30 * time.Second})
	}
	return &Transport{o: o}
}

// dialWith opens connections with d. An address that is a literal one has nothing to resolve and nothing to race; dialled as such it
// takes less than 4 KiB of stack, where one with a name takes up to 8.
func dialWith(d *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		literal, err := netip.ParseAddrPort(address)
		if err != nil {
			return d.DialContext(ctx, network, address)
		}
		c, err := d.DialTCP(ctx, network, netip.AddrPort{}, literal)
		if err != nil {
			return nil, err // a nil *net.TCPConn is not a nil net.Conn
		}
		return c, nil
	}
}

var errScheme = errors.New("transport: neither http nor https")

// RoundTrip makes one call. The body of the request is sent before the answer is read, and closed. A response's body must
// be read to its end or closed; the connection is used again after the former. Cancelling the context ends both.
// A call on a connection that the server closed meanwhile is not repeated: whoever called knows whether it may be.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet && req.Header["Upgrade"] != nil {
		return t.o.Fallback.RoundTrip(req) // it can hand a connection over
	}
	h, err := t.host(req)
	if err == nil && h.proxied {
		return t.o.Fallback.RoundTrip(req)
	}
	if err != nil {
		closeBody(req)
		return nil, err
	}
	c, err := h.take(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	return c.exchange(req)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// hostKey tells hosts apart without joining strings.
type hostKey struct{ scheme, address string }

func (t *Transport) host(req *http.Request) (*host, error) {
	key := hostKey{req.URL.Scheme, req.URL.Host}
	if h, ok := t.hosts.Load(key); ok {
		return h.(*host), nil //nolint:forcetypeassert // the map holds nothing else
	}
	if key.scheme != "http" && key.scheme != "https" {
		return nil, errScheme
	}
	h := &host{o: &t.o, address: withPort(req.URL)}
	if t.o.Proxy != nil {
		proxy, err := t.o.Proxy(req)
		if err != nil {
			return nil, err
		}
		h.proxied = proxy != nil
	}
	if key.scheme == "https" {
		h.tls = t.tlsFor(req.URL.Hostname())
	}
	kept, _ := t.hosts.LoadOrStore(key, h)
	return kept.(*host), nil //nolint:forcetypeassert // the map holds nothing else
}

func withPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (t *Transport) tlsFor(name string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.o.TLS != nil {
		c = t.o.TLS.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = name
	}
	c.NextProtos = []string{"http/1.1"}
	if c.ClientSessionCache == nil {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return c
}

// CloseIdleConnections closes what is not in use.
func (t *Transport) CloseIdleConnections() {
	t.hosts.Range(func(_, h any) bool {
		h.(*host).expire(time.Time{}) //nolint:forcetypeassert // the map holds nothing else
		return true
	})
	if f, ok := t.o.Fallback.(interface{ CloseIdleConnections() }); ok {
		f.CloseIdleConnections()
	}
}
