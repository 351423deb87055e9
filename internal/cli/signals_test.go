package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

func TestFirstSignalCancelsSecondExits(t *testing.T) {
	t.Parallel()
	signals, done, exited := make(chan os.Signal), make(chan struct{}), make(chan int, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	go watch(signals, done, io.Discard, cancel, func(code int) { exited <- code })

	signals <- syscall.SIGTERM
	<-ctx.Done()
	if got := context.Cause(ctx).Error(); got != "signal: terminated" {
		t.Errorf("cause: %q", got)
	}
	select {
	case <-exited:
		t.Fatal("the first signal ended the process")
	default:
	}

	signals <- syscall.SIGINT
	if code := <-exited; code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestStopGivesSignalsBack(t *testing.T) {
	t.Parallel()
	ctx, stop := stopOnSignal(t.Context(), io.Discard)
	stop()
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), context.Canceled) {
		t.Errorf("cause: %v", context.Cause(ctx))
	}
}
