package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// stopOnSignal returns a context that ends at the first SIGINT or SIGTERM; the second ends the process with code 1,
// for people who do not want to wait for the drain. stop gives the signals back.
func stopOnSignal(ctx context.Context, w io.Writer) (_ context.Context, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go watch(signals, done, w, cancel, os.Exit)
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// watch cancels at the first signal and exits at the second; it returns when done is closed.
func watch(signals <-chan os.Signal, done <-chan struct{}, w io.Writer, cancel context.CancelCauseFunc, exit func(int)) {
	select {
	case <-done:
		return
	case s := <-signals:
		fmt.Fprintf(w, "gantry: %v: finishing open requests; again to quit at once\n", s)
		cancel(fmt.Errorf("signal: %v", s))
	}
	select {
	case <-done:
	case <-signals:
		exit(exitFailed)
	}
}
