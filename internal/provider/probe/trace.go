package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
)

// span is a part of making a connection.
type span struct {
	start, end time.Time
	err        error
}

func (s *span) begun() bool           { return !s.start.IsZero() }
func (s *span) length() time.Duration { return max(0, s.end.Sub(s.start)) }
func (s *span) begin(now time.Time)   { s.start = now }
func (s *span) done(now time.Time, err error) {
	s.end, s.err = now, err
}

// trace is what was seen of the first connection. Several addresses may be tried at once, so hooks run concurrently.
type trace struct {
	mu        sync.Mutex
	now       clock.Clock
	dns       span
	addresses int
	connect   span
	connected bool
	tls       span
	version   uint16
	wrote     time.Time
	answered  time.Time
}

func (t *trace) locked(f func(now time.Time)) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	f(now)
}

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { t.locked(func(now time.Time) { t.dns.begin(now) }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			t.locked(func(now time.Time) { t.dns.done(now, info.Err); t.addresses = len(info.Addrs) })
		},
		ConnectStart: func(string, string) { t.locked(func(now time.Time) { t.connect.begin(now) }) },
		ConnectDone: func(_, _ string, err error) {
			t.locked(func(now time.Time) { t.connect.done(now, err); t.connected = t.connected || err == nil })
		},
		TLSHandshakeStart: func() { t.locked(func(now time.Time) { t.tls.begin(now) }) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			t.locked(func(now time.Time) { t.tls.done(now, err); t.version = state.Version })
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { t.locked(func(now time.Time) { t.wrote = now }) },
		GotFirstResponseByte: func() { t.locked(func(now time.Time) { t.answered = now }) },
	}
}

// resolved is the step resolve.
func (r *run) resolved() {
	t := &r.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	_, literal := netip.ParseAddr(r.host)
	switch {
	case t.dns.begun() && t.dns.err != nil:
		r.fail(Resolve, t.dns.length(), "The host name "+r.host+" could not be resolved.",
			"Check the base URL for typing mistakes, and the name server of this machine.")
	case t.dns.begun():
		r.ok(Resolve, t.dns.length(), r.host+" has "+plural(t.addresses, "address")+".")
	case literal == nil:
		r.ok(Resolve, 0, "The base URL names an address.")
	default:
		r.ok(Resolve, 0, "The host name needed no look-up here.")
	}
}

// secured is the step tls, with the connection below it.
func (r *run) secured(failed *provider.Error) {
	t := &r.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.connect.begun() && !t.connected:
		r.fail(TLS, t.connect.length(), "No connection to "+r.host+" could be made.",
			"Check the port in the base URL, firewalls, and whether a proxy is needed.")
	case t.tls.begun() && t.tls.err != nil:
		r.fail(TLS, t.tls.length(), "No secure connection to "+r.host+" could be made.", tlsAdvice(t.tls.err))
	case t.tls.begun() && t.tls.end.IsZero() && failed != nil:
		r.fail(TLS, 0, "The secure connection to "+r.host+" was not completed.",
			"The upstream did not answer in time. Check the port in the base URL.")
	case t.tls.begun():
		r.ok(TLS, t.tls.length(), tls.VersionName(t.version)+", certificate valid.")
	case r.secure:
		r.ok(TLS, 0, "The connection was there already.")
	default:
		r.skip(TLS, "The base URL is plain HTTP.")
	}
}

func tlsAdvice(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "The certificate's issuer is not trusted. Add it to this machine's trusted certificates."
	case errors.As(err, &host):
		return "The certificate is for another host. Check the host name in the base URL."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The certificate has expired or is not valid yet. Check the clock of this machine."
	case errors.As(err, &record):
		return "The port does not speak TLS. Try http:// or another port."
	}
	return "Check the host and port in the base URL."
}

// admitted is the step auth: whether the upstream took the credential.
func (r *run) admitted(failed *provider.Error) {
	t := &r.trace
	t.mu.Lock()
	took := max(0, t.answered.Sub(t.wrote))
	t.mu.Unlock()
	switch {
	case failed == nil:
		r.ok(Auth, took, "The upstream took the credential.")
	case failed.Category == inference.Authentication || failed.Category == inference.Permission,
		failed.Category == inference.Timeout, failed.Category == inference.Connect, failed.Category == inference.Canceled:
		r.fail(Auth, took, saw(failed), advice(failed.Category))
	default:
		r.ok(Auth, took, "The upstream took the credential.")
	}
}

// plural counts things in English.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if thing[len(thing)-1] == 's' {
		thing += "e"
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
