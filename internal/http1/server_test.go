package http1_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/http1"
	"github.com/gantry-ai/gantry/internal/http1/http1test"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	l := listen(t)
	s := http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		<-finish
		_, _ = io.WriteString(w, "done")
	})}, l)
	busy, idle, silent := dial(t, l.Addr().String()), dial(t, l.Addr().String()), dial(t, l.Addr().String())
	idle.say(post(""))
	<-begun
	finish <- struct{}{}
	idle.expect("done")
	busy.say(post(""))
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	idle.closed()
	silent.closed()
	select {
	case err := <-ended:
		t.Fatal("ended before its request:", err)
	case <-time.After(50 * time.Millisecond):
	}
	finish <- struct{}{}
	if resp := busy.expect("done"); !resp.Close {
		t.Error("the last answer does not say so")
	}
	busy.closed()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("a connection is accepted after the end")
	}
}

func TestShutdownEndsInTimeAndCloseCuts(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan error, 1)
	l := listen(t)
	s := http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		close(begun)
		<-req.Context().Done()
		ended <- req.Context().Err()
	})}, l)
	c := dial(t, l.Addr().String()).say(post(""))
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("a request goes on after Close")
	}
	_, _ = c.Read(make([]byte, 1))
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	l := listen(t)
	http1test.Serve(t, &http.Server{Handler: http.HandlerFunc(origin), ReadHeaderTimeout: 50 * time.Millisecond, IdleTimeout: time.Minute}, l)
	dial(t, l.Addr().String()).closed()
	l = listen(t)
	http1test.Serve(t, &http.Server{Handler: http.HandlerFunc(origin), ReadHeaderTimeout: time.Minute, IdleTimeout: 100 * time.Millisecond}, l)
	c := dial(t, l.Addr().String()).say(post("a"))
	c.expect(`http1 POST /v1/x "a" <nil>`)
	c.closed()
}

// failing is a listener that fails some times.
type failing struct {
	net.Listener
	errs []error
}

type temporary struct{ error }

func (temporary) Timeout() bool { return false }

func (temporary) Temporary() bool { return true }

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return f.Listener.Accept()
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func TestAcceptingGoesOnAfterWhatPasses(t *testing.T) {
	t.Parallel()
	l := &failing{listen(t), []error{temporary{io.ErrNoProgress}, temporary{io.ErrNoProgress}}}
	http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(origin)}, l)
	dial(t, l.Addr().String()).say(post("a")).expect(`http1 POST /v1/x "a" <nil>`)

	broken := &failing{listen(t), []error{io.ErrClosedPipe}}
	s := http1.New(&http.Server{ReadHeaderTimeout: time.Minute}, clock.System)
	if err := s.Serve(broken); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// opaque hides what a connection can do.
type opaque struct{ net.Conn }

type opaqueListener struct{ net.Listener }

func (l opaqueListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return opaque{c}, nil
}

func TestConnectionsThatCannotBeWatchedAreTheLibrarys(t *testing.T) {
	t.Parallel()
	l := opaqueListener{listen(t)}
	http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(origin)}, l)
	dial(t, l.Addr().String()).say(post("a")).expect(`net/http POST /v1/x "a" <nil>`)
}

func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	address := http1test.Start(t, http.HandlerFunc(origin))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := range 50 {
				body := fmt.Sprint(worker, "-", i, strings.Repeat("y", i*200))
				resp, err := client.Post("http://"+address+"/v1/x", "text/plain", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if want := fmt.Sprintf("http1 POST /v1/x %q <nil>", body); err != nil || string(text) != want {
					t.Errorf("got %.60q (%v)", text, err)
				}
			}
		})
	}
	all.Wait()
}
