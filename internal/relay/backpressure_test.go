package relay_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// pipes is a listener whose connections hold nothing: what one side writes, the other must read. There is no smaller
// socket buffer, and in a bubble of synctest it is known when everybody waits.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial serves the bench over a pipe, sends a request, and returns the caller's end behind the answer's header.
func (b *bench) dial(t *testing.T, body string, header ...string) (net.Conn, *bufio.Reader) {
	t.Helper()
	l := pipes{make(chan net.Conn, 1)}
	server := http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b.relay.Serve(w, req, relay.Operation{Format: openai.Chat, Scope: identity.ScopeChat}, relay.Caller{RequestID: "req-1"})
	})}
	ours, theirs := net.Pipe()
	l.conns <- theirs
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		close(l.conns)
		_ = ours.Close()
		_ = server.Close()
	})
	request := "POST /v1/chat/completions HTTP/1.1\r\nHost: gantry\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\n"
	for i := 0; i+1 < len(header); i += 2 {
		request += header[i] + ": " + header[i+1] + "\r\n"
	}
	if _, err := fmt.Fprintf(ours, "%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", request, len(body), body); err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewReaderSize(ours, 16)
	for line := "?"; strings.TrimSpace(line) != ""; {
		var err error
		if line, err = answer.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return ours, answer
}

// spring is an upstream's stream that never makes anybody wait: it counts what is taken.
type spring struct {
	taken atomic.Int64
	event string
	left  string          // of the event under way, then what ends the stream
	end   int64           // when to end; 0: never
	call  context.Context //nolint:containedctx // of the call, which ends the stream as a connection would
}

func (s *spring) Read(p []byte) (int, error) {
	if err := s.call.Err(); err != nil {
		return 0, err
	}
	if s.left == "" {
		if s.end > 0 && s.taken.Load() >= s.end {
			return 0, io.EOF
		}
		s.left = s.event
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	if s.taken.Add(int64(n)) >= s.end && s.end > 0 && s.left == "" {
		s.left, s.end = bareBy+done, 1
	}
	return n, nil
}

func (*spring) Close() error { return nil }

func (s *spring) answer(ctx context.Context, _ *provider.Call) (*http.Response, error) {
	s.call = ctx
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: s}, nil
}

// held is the most of a stream that may be on its way in this process: the reader's buffer, the server's, and a bit.
const held = 32 << 10

func TestSlowCallerSlowsTheUpstream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "1", relay.Limits{FirstByte: time.Minute, Idle: 10 * time.Second})
		s := &spring{event: `data: {"choices":[{"index":0,"delta":{}}],"pad":"` + strings.Repeat("x", 1000) + "\"}\n\n", end: 1 << 20}
		b.first.answer = s.answer
		_, answer := b.dial(t, streamed)
		buf := make([]byte, 64<<10)
		for read := int64(0); ; {
			synctest.Wait()
			if taken := s.taken.Load(); taken > read+held {
				t.Fatalf("%d bytes were taken from the upstream for a caller who has %d", taken, read)
			}
			<-time.After(30 * time.Second) // longer than an upstream may be silent, which is not its fault here
			n, err := io.ReadFull(answer, buf)
			read += int64(n)
			if strings.Contains(string(buf[:n]), "[DONE]") {
				break
			}
			if err != nil {
				t.Fatalf("the stream ends with %q: %v", buf[max(0, n-300):n], err)
			}
		}
		if r := b.record(t); r.Task.ErrorCode != "" {
			t.Errorf("%s %s", r.Task.ErrorCode, r.Task.ErrorMessage)
		}
	})
}

func TestStalledCallerIsCutAndChargedForWhatItGot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "1", relay.Limits{FirstByte: time.Minute, Idle: 10 * time.Second})
		s := &spring{event: bare}
		b.first.answer = s.answer
		start := time.Now()
		_, answer := b.dial(t, streamed)
		got := make([]byte, 20<<10)
		if _, err := io.ReadFull(answer, got); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if taken := s.taken.Load(); taken > int64(len(got))+held {
			t.Errorf("%d bytes were taken", taken)
		}
		<-time.After(time.Minute + time.Second)
		synctest.Wait()
		if n := b.relay.InFlight(); n != 0 {
			t.Fatalf("after %v %d calls are under way", time.Since(start), n)
		}
		r := b.record(t)
		read := estimate(slices.Repeat([]string{"hello "}, strings.Count(string(got), "hello "))...)
		if told := r.Task.Usage.Quantities[inference.TextOutput]; told < read || told > read+128 {
			t.Errorf("%d tokens are charged of which %d were read", told, read)
		}
		if r.Task.BillReason != "client_gone" {
			t.Errorf("%s", r.Task.BillReason)
		}
	})
}

func TestStalledCallerOfALargeAnswerIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "1", relay.Limits{})
		b.first.answer = always(200, strings.Replace(whole, "hello", strings.Repeat("hello", 1<<20), 1))
		_, answer := b.dial(t, question)
		if _, err := io.ReadFull(answer, make([]byte, 100<<10)); err != nil {
			t.Fatal(err)
		}
		<-time.After(50 * time.Second)
		if b.relay.InFlight() != 1 {
			t.Error("cut too early")
		}
		<-time.After(15 * time.Second)
		synctest.Wait()
		if b.relay.InFlight() != 0 {
			t.Error("a caller that stopped reading is still served")
		}
		if _, err := io.Copy(io.Discard, answer); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the connection ends with %v", err)
		}
		b.charged(t, "0.00021")
	})
}

// TestSlowListenerSlowsTheUpstream is about a stream that is kept: it goes on alone when its listener has left.
func TestSlowListenerSlowsTheUpstream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{FirstByte: time.Minute, Idle: 10 * time.Second})
		s := &spring{event: `data: {"choices":[{"index":0,"delta":{}}],"pad":"` + strings.Repeat("x", 1000) + "\"}\n\n", end: 3 << 20}
		b.first.answer = s.answer
		caller, answer := b.dial(t, streamed, keyName, "k")
		read := int64(0)
		buf := make([]byte, 256<<10)
		for range 3 {
			synctest.Wait()
			if taken := s.taken.Load(); taken > read+held {
				t.Fatalf("%d bytes were taken from the upstream for a caller who has %d", taken, read)
			}
			<-time.After(30 * time.Second)
			n, err := io.ReadFull(answer, buf)
			if err != nil {
				t.Fatal(err)
			}
			read += int64(n)
		}
		_ = caller.Close()
		synctest.Wait()
		if b.relay.InFlight() != 0 {
			t.Error("the call did not end alone")
		}
		w := b.ask(t.Context(), streamed, keyName, "k")
		if got := w.Body.String(); !strings.HasSuffix(got, done) || len(got) < 3<<20 || b.first.count() != 1 {
			t.Errorf("%d bytes", len(got))
		}
	})
}
