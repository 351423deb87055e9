// Command fakeopenai serves the fake on a free port of the loopback interface. It prints {"address":"127.0.0.1:…","key":…}
// on its standard output and ends when its standard input does, or on SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "fakeopenai:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: fakeopenai.New(fakeopenai.Options{}), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, in) // the end of the parent is the end of this
		stop()
	}()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	about := map[string]string{"address": listener.Addr().String(), "key": fakeopenai.DefaultKey}
	if err := json.NewEncoder(out).Encode(about); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
