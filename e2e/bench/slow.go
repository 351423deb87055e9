package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The scenario of slow connections: most are streams of an upstream that takes a second for each event, the others have
// callers who read less than the upstream would send, and beside them goes ordinary traffic.
const (
	slowScenario = "slow connections"
	slowPaced    = 1900
	slowReaders  = 100
	slowCalls    = 500 // per second
	slowLength   = 10 * time.Second
	slowPatience = 2 * time.Minute // for all streams to be open
	// slowTarget is what the health check may take for 99 of 100.
	slowTarget = 100 * time.Millisecond
)

// slow measures health checks and memory while slow streams are open and ordinary calls go on, and prints the figures.
func slow(ctx context.Context, out io.Writer, binary string) error {
	if err := raiseFiles(2*(slowPaced+slowReaders) + 1000); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	upstream, err := serveSlowly(ctx)
	if err != nil {
		return err
	}
	gw, err := startGantry(ctx, binary, upstream)
	if err != nil {
		return err
	}
	defer gw.stop()
	for range 200 { // connections, caches and pools
		if err := once(http.DefaultClient, gw, request(scenario{prompt: 700}, gw.model), false); err != nil {
			return err
		}
	}
	before, err := gw.resident()
	if err != nil {
		return err
	}
	open, err := openSlowly(ctx, gw)
	if err != nil {
		return err
	}
	defer open.wait()
	defer cancel()
	during, err := gw.resident()
	if err != nil {
		return err
	}
	calls, health := beside(ctx, gw)
	after, err := gw.resident()
	if err != nil {
		return err
	}
	report(out, memory{before, during, after}, calls, health, open)
	return nil
}

// memory is resident memory in bytes: before, with all streams open, and at the end.
type memory struct{ before, open, end int64 }

func report(out io.Writer, m memory, calls, health *latencies, open *slowStreams) {
	const streams, mib = slowPaced + slowReaders, 1 << 20
	verdict := "met"
	if health.quantile(0.99) > slowTarget {
		verdict = "missed"
	}
	_, _ = fmt.Fprintf(out, "%s: %d streams open (%d read slowly), %d calls/s beside them for %v\n",
		slowScenario, streams, slowReaders, slowCalls, slowLength)
	_, _ = fmt.Fprintf(out, "    /healthz p50 %v, p99 %v (target %v: %s), %d probes, %d failed\n",
		health.quantile(0.5), health.quantile(0.99), slowTarget, verdict, len(health.all), health.failed)
	_, _ = fmt.Fprintf(out, "    calls    p50 %v, p99 %v, %d made, %d failed\n",
		calls.quantile(0.5), calls.quantile(0.99), len(calls.all), calls.failed)
	_, _ = fmt.Fprintf(out, "    resident %.1f MiB before, %.1f MiB with all open (%.1f KiB per stream), %.1f MiB at the end; %d streams broke off\n",
		float64(m.before)/mib, float64(m.open)/mib, float64(m.open-m.before)/streams/1024, float64(m.end)/mib, open.broken.Load())
}

// latencies are how long things took, and how many failed.
type latencies struct {
	mu     sync.Mutex
	all    []time.Duration
	failed int
}

func (l *latencies) add(took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, took)
	if err != nil {
		l.failed++
	}
}

func (l *latencies) quantile(q float64) time.Duration {
	if len(l.all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.all))
	return sorted[int(q*float64(len(sorted)-1))].Round(10 * time.Microsecond)
}

// beside makes ordinary calls at a steady rate, and asks for the health a hundred times a second. Neither waits for the
// answer before the next: what is slow is seen, and not left out.
func beside(ctx context.Context, gw *process) (calls, health *latencies) {
	calls, health = &latencies{}, &latencies{}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	body := request(scenario{prompt: 700}, gw.model)
	var all sync.WaitGroup
	all.Go(func() {
		steadily(ctx, slowCalls, func() error { return once(client, gw, body, false) }, calls)
	})
	all.Go(func() {
		steadily(ctx, 100, func() error { return probe(client, gw.url+"/healthz") }, health)
	})
	all.Wait()
	return calls, health
}

func steadily(ctx context.Context, perSecond int, do func() error, into *latencies) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	var all sync.WaitGroup
	defer all.Wait()
	end := time.After(slowLength)
	for {
		select {
		case due := <-tick.C:
			all.Go(func() {
				err := do()
				into.add(time.Since(due), err)
			})
		case <-end:
			return
		case <-ctx.Done():
			return
		}
	}
}

func probe(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return err
}

// slowStreams are streams that stay open.
type slowStreams struct {
	all    sync.WaitGroup
	begun  atomic.Int64
	broken atomic.Int64
}

func (s *slowStreams) wait() { s.all.Wait() }

// openSlowly opens all streams and returns when each has got its first bytes; they end with ctx.
func openSlowly(ctx context.Context, gw *process) (*slowStreams, error) {
	s := &slowStreams{}
	small := &net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	client := &http.Client{Transport: &http.Transport{DialContext: small.DialContext, DisableCompression: true}}
	failed := make(chan error, slowPaced+slowReaders)
	places := make(chan struct{}, 64) // not all connect in the same instant
	for i := range slowPaced + slowReaders {
		kind := pacedPrompt
		if i < slowReaders {
			kind = floodPrompt
		}
		s.all.Go(func() {
			places <- struct{}{}
			err := s.keep(ctx, client, gw, kind, func() { <-places })
			if ctx.Err() == nil {
				s.broken.Add(1)
				failed <- err
			}
		})
	}
	limit := time.After(slowPatience)
	for s.begun.Load() < slowPaced+slowReaders {
		select {
		case err := <-failed:
			return nil, fmt.Errorf("a slow stream did not stay open: %w", err)
		case <-limit:
			return nil, fmt.Errorf("%d streams are open after %v", s.begun.Load(), slowPatience)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return s, nil
}

// keep opens a stream and reads a little of it five times a second; opened is called once the first bytes are there.
func (s *slowStreams) keep(ctx context.Context, client *http.Client, gw *process, prompt string, opened func()) error {
	opened = sync.OnceFunc(opened)
	defer opened()
	body := fmt.Sprintf(`{"model":%q,"stream":true,"max_tokens":4096,"messages":[{"role":"user","content":%q}]}`, gw.model, prompt)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, gw.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+gw.key)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for piece := make([]byte, 256); ; <-tick.C {
		if _, err := resp.Body.Read(piece); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s", resp.Status, piece)
		}
		opened()
		s.begun.Add(1)
		for ; s.begun.Load() < slowPaced+slowReaders && ctx.Err() == nil; <-tick.C {
			// Until all are open, nobody reads: what memory the streams take is not what reading takes.
		}
	}
}

const (
	pacedPrompt = "an event each second"
	floodPrompt = "as much as there is place for"
)

// serveSlowly is an upstream whose streams last until ctx ends; it answers buffered calls at once. It returns its URL.
func serveSlowly(ctx context.Context) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	whole := []byte(fmt.Sprintf(answer, strings.Repeat("word ", 60)))
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
		case bytes.Contains(body, []byte(pacedPrompt)):
			sendEvents(ctx, w, r, time.Second)
		case bytes.Contains(body, []byte(floodPrompt)):
			sendEvents(ctx, w, r, 0)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(whole)
		}
	})}
	go func() { _ = server.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return "http://" + l.Addr().String(), nil
}

// sendEvents sends events with a pause between them until the peer leaves.
func sendEvents(ctx context.Context, w http.ResponseWriter, r *http.Request, pause time.Duration) {
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	for ctx.Err() == nil && r.Context().Err() == nil {
		if _, err := io.WriteString(w, chunk); err != nil || flusher.Flush() != nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-r.Context().Done():
		}
	}
}

// raiseFiles lets this process, and those that it starts, have so many files open.
func raiseFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < n {
		return fmt.Errorf("%s needs %d open files, and the hard limit is %d", slowScenario, n, limit.Max)
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
