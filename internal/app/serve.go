package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/http1"
)

const (
	// settleTimeout bounds how long an answer waits for its charge to be durable.
	settleTimeout = 10 * time.Second
	// closeTimeout bounds how long the last records may take to be written.
	closeTimeout = 10 * time.Second
	// maxHeader bounds a request's header; net/http allows 4 KiB more.
	maxHeader = 32 << 10
	idleConn  = 2 * time.Minute
)

// Serve runs an installation until ctx ends, and then lets what is under way finish.
func Serve(ctx context.Context, cfg config.Config, stderr io.Writer, version string) error {
	heap := raiseHeap()
	defer heap.end()
	a, err := New(ctx, cfg, stderr, version)
	if err != nil && ctx.Err() != nil {
		return nil // told to stop before it had begun
	}
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		a.Close(end)
	}()
	captureStandardLog(a.log)
	heap.settle()
	return a.Run(ctx)
}

// Run serves until ctx ends. SIGTERM's order: readiness fails; after the delay no connection is accepted any more and
// calls that nobody listens to are ended; requests under way finish within the time limit, and what is open then is cut,
// which settles it.
func (a *App) Run(ctx context.Context) error {
	public, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Addr)
	if err != nil {
		return fmt.Errorf("addr: %w", err)
	}
	private, err := a.listenPrivate(ctx)
	if err != nil {
		_ = public.Close()
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go a.limiting.run(background)
	a.startJobs(background)
	if err := a.startTasks(background); err != nil {
		return errors.Join(err, public.Close())
	}

	handler, err := a.Handler(ctx)
	if err != nil {
		return err
	}
	server := http1.New(a.newServer(handler), a.now)
	inner := a.newServer(a.privateHandler())
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(public) }()
	if private != nil {
		go func() { ended <- inner.Serve(private) }()
	}
	a.log.Info("serving", "addr", public.Addr().String(), "admin_addr", a.cfg.AdminAddr, "data", a.cfg.Data)
	if err := a.offerSetup(background, public.Addr()); err != nil {
		_ = server.Close()
		return err
	}
	select {
	case <-ctx.Done():
	case err := <-ended:
		_ = server.Close()
		return err
	case <-failed(a.journal):
		a.refuseUntil(ctx)
		return errors.Join(errJournal, a.end(context.WithoutCancel(ctx), server, inner))
	}
	return a.end(context.WithoutCancel(ctx), server, inner)
}

var errJournal = errors.New("the journal's disk failed: start again to recover what it holds")

// refuseUntil lets callers hear that billing is not available, and requests under way end, before the process does.
// Source: MONEY section 4.
func (a *App) refuseUntil(ctx context.Context) {
	limit := time.NewTimer(a.cfg.Shutdown.Timeout)
	defer limit.Stop()
	select {
	case <-ctx.Done():
	case <-limit.C:
	}
}

func (a *App) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: a.cfg.HTTP.ReadHeaderTimeout, IdleTimeout: idleConn, MaxHeaderBytes: maxHeader,
	}
}

func (a *App) listenPrivate(ctx context.Context) (net.Listener, error) {
	if a.cfg.AdminAddr == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.AdminAddr)
	if err != nil {
		return nil, fmt.Errorf("adminAddr (metrics and profiles; set it to another address, or to nothing to switch it off): %w", err)
	}
	return l, nil
}

// end stops the servers in order.
func (a *App) end(ctx context.Context, server *http1.Server, inner *http.Server) error {
	a.draining.begin()
	a.log.Info("draining", "in_flight", a.relay.InFlight(), "delay", a.cfg.Shutdown.Delay)
	if a.cfg.Shutdown.Delay > 0 {
		<-time.After(a.cfg.Shutdown.Delay)
	}
	a.relay.Drain()
	a.relay.DrainSessions()
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Shutdown.Timeout)
	defer cancel()
	tasksEnded := make(chan struct{})
	go func() { defer close(tasksEnded); a.stopTasks(ctx) }()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("requests cut at the end of the drain time", "in_flight", a.relay.InFlight())
		err = server.Close()
	}
	a.relay.AwaitSessions(ctx) // their connections are not the server's any more
	<-tasksEnded
	a.awaitSettled() // what was cut, and calls that go on without a caller
	_ = inner.Close()
	a.log.Info("stopped")
	return err
}

// awaitSettled waits until requests that were cut have settled, which takes no longer than their records do.
func (a *App) awaitSettled() {
	limit := time.After(settleTimeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for a.relay.InFlight() > 0 {
		select {
		case <-tick.C:
		case <-limit:
			return
		}
	}
}

// drain says whether the process is about to stop.
type drain struct{ on atomic.Bool }

func (d *drain) begin()       { d.on.Store(true) }
func (d *drain) active() bool { return d.on.Load() }

// privateHandler serves what only operators may see.
func (a *App) privateHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}
