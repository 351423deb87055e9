package socket_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/socket"
)

const most = 1 << 10

// serve accepts lines and hands them to the test.
func serve(tb testing.TB) (url string, accepted <-chan *socket.Conn) {
	tb.Helper()
	lines := make(chan *socket.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := socket.Check(r); err != nil {
			w.WriteHeader(fault.From(err).Status)
			_, _ = io.WriteString(w, fault.From(err).Code)
			return
		}
		c, err := socket.Accept(w, r, socket.Accepting{Subprotocols: []string{"realtime"}, MaxMessage: most, Now: clock.System})
		if err == nil {
			lines <- c
		}
	}))
	tb.Cleanup(server.Close)
	return server.URL, lines
}

func dial(t *testing.T, url string) *socket.Conn {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, refusal, body, err := socket.Dial(t.Context(), socket.Dialing{URL: url, Subprotocols: []string{"realtime"}, Transport: transport, MaxMessage: most})
	if err != nil {
		t.Fatal(err, refusal, string(body))
	}
	return c
}

// closed is the code that ends a line's reading.
func closed(t *testing.T, l socket.Line) socket.Code {
	t.Helper()
	_, err := l.Read(t.Context())
	var end *socket.ClosedError
	if !errors.As(err, &end) {
		t.Fatalf("read: %v", err)
	}
	return end.Code
}

// exchange sends both ways and closes with a code.
func exchange(t *testing.T, a, b socket.Line) {
	t.Helper()
	go func() {
		message, err := b.Read(context.Background())
		if err == nil {
			_ = b.Write(context.Background(), append(message, '!'))
		}
	}()
	if err := a.Write(t.Context(), []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Read(t.Context()); err != nil || string(got) != "hi!" {
		t.Fatalf("%q, %v", got, err)
	}
	done := make(chan struct{})
	go func() { defer close(done); b.Close(socket.Away, strings.Repeat("long ", 100)) }()
	if code := closed(t, a); code != socket.Away {
		t.Errorf("closed with %d", code)
	}
	<-done
	if err := a.Write(t.Context(), []byte("x")); err == nil {
		t.Error("something was written to a line that has ended")
	}
}

func TestLinesCarryTextsAndCodes(t *testing.T) {
	t.Parallel()
	t.Run("network", func(t *testing.T) {
		t.Parallel()
		url, accepted := serve(t)
		a := dial(t, url)
		exchange(t, a, <-accepted)
	})
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		a, b := socket.Pipe()
		exchange(t, a, b)
	})
}

func TestAContextEndsAPipe(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(context.Context, socket.Line) error{
		"read":  func(ctx context.Context, l socket.Line) error { _, err := l.Read(ctx); return err },
		"write": func(ctx context.Context, l socket.Line) error { return l.Write(ctx, nil) },
	} {
		a, b := socket.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := wait(ctx, a); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if code := closed(t, b); code != socket.Broken {
			t.Errorf("%s: closed with %d", name, code)
		}
	}
}

func TestARefusedHandshakeIsShown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "busy", http.StatusTooManyRequests)
	}))
	t.Cleanup(server.Close)
	_, refusal, body, err := socket.Dial(t.Context(), socket.Dialing{URL: server.URL, Transport: http.DefaultTransport, MaxMessage: most})
	if !errors.Is(err, socket.ErrRefused) || refusal.StatusCode != http.StatusTooManyRequests || refusal.Header.Get("Retry-After") != "7" || string(body) != "busy\n" {
		t.Errorf("%v %v %q", err, refusal, body)
	}
	server.Close()
	if _, refusal, _, err := socket.Dial(t.Context(), socket.Dialing{URL: server.URL, Transport: http.DefaultTransport, MaxMessage: most}); err == nil || refusal != nil {
		t.Errorf("nobody there: %v %v", err, refusal)
	}
}

const handshake = "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://elsewhere.example\r\n" +
	"Sec-WebSocket-Protocol: openai-insecure-api-key.x, realtime\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

// raw is a connection on which a test says what it likes, and the answer to what it said first.
func raw(tb testing.TB, url, first string) (net.Conn, *bufio.Reader, *http.Response) {
	tb.Helper()
	c, err := new(net.Dialer).DialContext(tb.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(c, first)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil) //nolint:bodyclose // it is the connection's
	if err != nil {
		tb.Fatal(err)
	}
	return c, r, resp
}

// Source: hostile-inputs, WS-001 to WS-003.
func TestWhatIsNoHandshakeIsSaid(t *testing.T) {
	t.Parallel()
	url, _ := serve(t)
	for name, c := range map[string]struct {
		old, new string
		status   int
		code     string
	}{
		"no upgrade":     {"Upgrade: websocket\r\n", "", 426, "upgrade_required"},
		"other upgrade":  {"Upgrade: websocket", "Upgrade: h2c", 426, "upgrade_required"},
		"no connection":  {"Connection: keep-alive, Upgrade\r\n", "", 426, "upgrade_required"},
		"old version":    {"Version: 13", "Version: 8", 400, "invalid_parameter"},
		"no version":     {"Sec-WebSocket-Version: 13\r\n", "", 400, "invalid_parameter"},
		"no key":         {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "invalid_parameter"},
		"short key":      {"dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 400, "invalid_parameter"},
		"key no base64":  {"dGhlIHNhbXBsZSBub25jZQ==", "!!!", 400, "invalid_parameter"},
		"two keys":       {"Origin:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin:", 400, "invalid_parameter"},
		"HTTP before 11": {"HTTP/1.1", "HTTP/1.0", 426, "upgrade_required"},
	} {
		_, _, resp := raw(t, url, strings.Replace(handshake, c.old, c.new, 1))
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != c.status || string(text) != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, resp.StatusCode, text, c.status, c.code)
		}
	}
}

// frame is one frame of a client's. The mask is zeros, so that the payload is as it is.
func frame(first byte, masked bool, payload []byte) []byte {
	out := []byte{first}
	bit := byte(0)
	if masked {
		bit = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		out = append(out, bit|byte(n))
	default:
		out = append(out, bit|126)
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	if masked {
		out = append(out, 0, 0, 0, 0)
	}
	return append(out, payload...)
}

const (
	text, more, binaryKind, ping, fin, rsv1 = 0x01, 0x00, 0x02, 0x09, 0x80, 0x40
)

// said is the code of the frame that ends the server's side.
func said(t *testing.T, r io.Reader) socket.Code {
	t.Helper()
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			t.Fatal(err)
		}
		payload := make([]byte, head[1])
		if _, err := io.ReadFull(r, payload); err != nil {
			t.Fatal(err)
		}
		if head[0] == fin|0x08 {
			return socket.Code(binary.BigEndian.Uint16(payload))
		}
	}
}

// Source: hostile-inputs, WS-004, WS-009 to WS-011; THREATS, row 40.
func TestHostileFramesEndTheLine(t *testing.T) {
	t.Parallel()
	var bomb, flood []byte
	for range 100 {
		bomb = append(bomb, frame(more, true, bytes.Repeat([]byte("x"), 100))...)
	}
	for range 150 {
		flood = append(flood, frame(fin|ping, true, []byte("?"))...)
	}
	for name, c := range map[string]struct {
		frames []byte
		want   socket.Code
	}{
		"unmasked":        {frame(fin|text, false, []byte("hi")), socket.Violation},
		"compressed":      {frame(fin|rsv1|text, true, []byte("hi")), socket.Violation},
		"unknown kind":    {frame(fin|0x0b, true, []byte("hi")), socket.Violation},
		"long ping":       {frame(fin|ping, true, make([]byte, 200)), socket.Violation},
		"binary":          {frame(fin|binaryKind, true, []byte("hi")), socket.Unsupported},
		"no UTF-8":        {frame(fin|text, true, []byte{0xff}), socket.Garbled},
		"too long":        {frame(fin|text, true, make([]byte, most+1)), socket.TooBig},
		"fragmented bomb": {append(frame(text, true, []byte("x")), bomb...), socket.TooBig},
		"ping flood":      {flood, socket.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, accepted := serve(t)
			client, r, resp := raw(t, url, handshake)
			if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Protocol") != "realtime" || resp.Header.Get("Sec-WebSocket-Extensions") != "" {
				t.Fatalf("%d %v", resp.StatusCode, resp.Header)
			}
			line, end := <-accepted, make(chan error, 1)
			go func() { _, err := line.Read(context.Background()); end <- err }()
			_, _ = client.Write(c.frames)
			if code := said(t, r); code != c.want {
				t.Errorf("closed with %d, want %d", code, c.want)
			}
			_ = client.Close()
			if err := <-end; err == nil {
				t.Error("something was read")
			}
		})
	}
}

func TestSubprotocolsInTheirOrder(t *testing.T) {
	t.Parallel()
	req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	req.Header["Sec-Websocket-Protocol"] = []string{"realtime,  openai-insecure-api-key.x ,", "openai-beta.realtime-v1"}
	want := []string{"realtime", "openai-insecure-api-key.x", "openai-beta.realtime-v1"}
	if got := socket.Subprotocols(req); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// FuzzFrames sends a server what no client would: whatever comes, the line gives texts within its bound, and ends when the
// connection does.
func FuzzFrames(f *testing.F) {
	f.Add(frame(fin|text, true, []byte("hi")))
	f.Add(append(frame(text, true, []byte("h")), frame(fin|more, true, []byte("i"))...))
	f.Add(frame(fin|ping, true, []byte("?")))
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	url, accepted := serve(f)
	f.Fuzz(func(t *testing.T, frames []byte) {
		client, r, resp := raw(t, url, handshake)
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(resp.Status)
		}
		line := <-accepted
		go func() {
			_, _ = client.Write(frames)
			_ = client.(*net.TCPConn).CloseWrite() //nolint:forcetypeassert // raw dials nothing else
			_, _ = io.Copy(io.Discard, r)
		}()
		for {
			message, err := line.Read(t.Context())
			if err != nil {
				break
			}
			if len(message) > most || !utf8.Valid(message) {
				t.Fatalf("%d bytes were read: %q", len(message), message)
			}
		}
		line.Close(socket.Normal, "")
	})
}
