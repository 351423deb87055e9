// Package http1test runs handlers behind the server of callers, for the tests of others.
package http1test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/http1"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// Start serves a handler until the test ends, and returns its address.
func Start(tb testing.TB, h http.Handler) (address string) {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	Serve(tb, &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute}, l)
	return l.Addr().String()
}

// Serve serves a listener as inner says until the test ends.
func Serve(tb testing.TB, inner *http.Server, l net.Listener) *http1.Server {
	tb.Helper()
	s := http1.New(inner, clock.System)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			tb.Error(err)
		}
	}()
	tb.Cleanup(func() {
		_ = s.Close()
		<-ended
	})
	return s
}
