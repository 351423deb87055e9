package relay_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// pipeListener accepts one end of a pipe, so that a real server runs on fake time.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestBodyThatNeverComesIsRefused has a caller that announces a body and sends a part of it: after a minute it hears so.
func TestBodyThatNeverComesIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "1", relay.Limits{})
		ours, theirs := net.Pipe()
		listener := pipeListener{make(chan net.Conn, 1), make(chan struct{})}
		listener.conns <- theirs
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			b.relay.Serve(w, req, relay.Operation{Format: openai.Chat, Scope: identity.ScopeChat}, relay.Caller{RequestID: "req-1"})
		})}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(listener) }()
		start := time.Now()
		_, err := fmt.Fprintf(ours, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"+
			"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n%s", question[:20])
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Minute || resp.StatusCode != http.StatusRequestTimeout || errorCode(t, body) != "request_timeout" {
			t.Errorf("%d %s after %v", resp.StatusCode, body, took)
		}
		if open, _ := b.book.Holds(); open != 0 || len(b.first.calls) != 0 {
			t.Errorf("%d holds, %d calls", open, len(b.first.calls))
		}
		_ = ours.Close()
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
