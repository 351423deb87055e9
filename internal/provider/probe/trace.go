package probe

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptrace"
	"net/netip"
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
	host      string // that was looked up; some sign in elsewhere first
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
		DNSStart: func(info httptrace.DNSStartInfo) {
			t.locked(func(now time.Time) { t.dns.begin(now); t.host = info.Host })
		},
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
	host := cmp.Or(t.host, r.host)
	switch {
	case t.dns.begun() && t.dns.err != nil:
		r.fail(Resolve, t.dns.length(), Text{"The host name " + host + " could not be resolved.", "无法解析主机名 " + host + "。"}, checkHost)
	case t.dns.begun():
		r.ok(Resolve, t.dns.length(), addresses(host, t.addresses))
	case literal == nil:
		r.ok(Resolve, 0, namesAddress)
	default:
		r.ok(Resolve, 0, noLookUp)
	}
}

// secured is the step tls, with the connection below it.
func (r *run) secured(failed *provider.Error) {
	t := &r.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.connect.begun() && !t.connected:
		r.fail(TLS, t.connect.length(), Text{"No connection to " + r.host + " could be made.", "无法连接 " + r.host + "。"}, checkPort)
	case t.tls.begun() && t.tls.err != nil:
		r.fail(TLS, t.tls.length(), Text{"No secure connection to " + r.host + " could be made.", "无法与 " + r.host + " 建立安全连接。"}, tlsAdvice(t.tls.err))
	case t.tls.begun() && t.tls.end.IsZero() && failed != nil:
		r.fail(TLS, 0, Text{"The secure connection to " + r.host + " was not completed.", "与 " + r.host + " 的安全连接没有完成。"}, checkTime)
	case t.tls.begun():
		r.ok(TLS, t.tls.length(), Text{tls.VersionName(t.version) + ", certificate valid.", tls.VersionName(t.version) + ",证书有效。"})
	case r.secure:
		r.ok(TLS, 0, wasThere)
	default:
		r.skip(TLS, plainHTTP)
	}
}

func tlsAdvice(err error) Text {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return checkIssuer
	case errors.As(err, &host):
		return checkName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return checkClock
	case errors.As(err, &record):
		return checkScheme
	}
	return checkAddress
}

// admitted is the step auth: whether the upstream took the credential.
func (r *run) admitted(failed *provider.Error) {
	t := &r.trace
	t.mu.Lock()
	took := max(0, t.answered.Sub(t.wrote))
	t.mu.Unlock()
	switch {
	case failed == nil:
		r.ok(Auth, took, credentialGood)
	case failed.Category == inference.Authentication || failed.Category == inference.Permission,
		failed.Category == inference.Timeout, failed.Category == inference.Connect, failed.Category == inference.Canceled:
		r.fail(Auth, took, saw(failed), advice(failed.Category))
	default:
		r.ok(Auth, took, credentialGood)
	}
}
