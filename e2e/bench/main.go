// Command bench measures what a relayed request costs Gantry, beside a bare httputil.ReverseProxy in the same run.
//
// Upstream, proxy and Gantry are processes of their own with one processor each. What counts is CPU time per request, from
// /proc, and allocations, from each process itself; rounds of all are interleaved, so that what disturbs the machine
// disturbs all. Gantry is measured twice: all in, and without the part that writes finished calls to the database.
// Requests a second are shown too, but they move with the machine.
//
//	go build -tags nosink -o bin/gantry-nosink ./cmd/gantry
//	go run ./e2e/bench -gantry bin/gantry
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	role := flag.String("role", "run", "run, upstream or proxy; the latter two are started by run")
	gantry := flag.String("gantry", "bin/gantry", "the binary to measure")
	path := flag.String("path", "bin/gantry-nosink", "the same, built with -tags nosink")
	target := flag.String("target", "", "of the proxy: the upstream's URL")
	rounds := flag.Int("rounds", 5, "rounds per scenario; the median counts")
	length := flag.Duration("length", 2*time.Second, "length of a round")
	only := flag.String("only", "", "run only scenarios whose name holds this")
	flag.Parse()
	log.SetFlags(0)
	var err error
	switch *role {
	case "upstream":
		err = serveUpstream(os.Stdout)
	case "proxy":
		err = serveProxy(os.Stdout, *target)
	default:
		err = run(os.Stdout, *gantry, *path, *rounds, *length, *only)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// scenario is one kind of load.
type scenario struct {
	name        string
	connections int
	prompt      int           // bytes
	chunks      int           // of a stream; 0: the answer is buffered
	pace        time.Duration // between chunks
	crosses     bool          // the upstream of Gantry speaks another protocol than the caller
}

var scenarios = []scenario{
	{name: "buffered 1 KB, 32 connections", connections: 32, prompt: 700},
	{name: "buffered 1 KB, 256 connections", connections: 256, prompt: 700},
	{name: "100 KB prompt, 16 connections", connections: 16, prompt: 100 << 10},
	{name: "chat to messages, 32 connections", connections: 32, prompt: 700, crosses: true},
	{name: "stream of 100, burst, per chunk", connections: 32, prompt: 700, chunks: 100},
	{name: "stream of 1000, burst, per chunk", connections: 32, prompt: 700, chunks: 1000},
	{name: "stream, paced, per chunk", connections: 64, prompt: 700, chunks: 400, pace: 5 * time.Millisecond},
}

// bench are the processes that are compared.
type bench struct {
	out      io.Writer
	upstream *process
	proxy    *process
	// path is Gantry without the writing of finished calls to the database, all is Gantry.
	path, all *process
	rounds    int
	length    time.Duration
}

func run(out io.Writer, binary, path string, rounds int, length time.Duration, only string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := compare(ctx, out, binary, path, rounds, length, only); err != nil {
		return err
	}
	if wanted(only, "memory") {
		if err := openMemory(ctx, out, binary); err != nil {
			return err
		}
	}
	if wanted(only, slowScenario) {
		return slow(ctx, out, binary)
	}
	return nil
}

// wanted reports whether what has a name is among those that are to run.
func wanted(only, name string) bool { return strings.Contains(name, only) }

// compare measures what is measured in processes that run beside each other.
func compare(ctx context.Context, out io.Writer, binary, path string, rounds int, length time.Duration, only string) (err error) {
	b := &bench{out: out, rounds: rounds, length: length}
	if b.upstream, err = startSelf(ctx, "upstream"); err != nil {
		return err
	}
	defer b.upstream.stop()
	if b.proxy, err = startSelf(ctx, "proxy", "-target", b.upstream.url); err != nil {
		return err
	}
	defer b.proxy.stop()
	if b.path, err = startGantry(ctx, path, b.upstream.url); err != nil {
		return err
	}
	defer b.path.stop()
	if b.all, err = startGantry(ctx, binary, b.upstream.url); err != nil {
		return err
	}
	defer b.all.stop()
	_, _ = fmt.Fprintf(out, "%-32s %9s %9s %9s %8s %8s %7s %7s %8s\n", "CPU time per request or chunk", "proxy µs", "path µs",
		"all in µs", "path", "all in", "allocs", "gantry", "req/s")
	for _, s := range scenarios {
		if wanted(only, s.name) {
			if err := b.measure(s); err != nil {
				return err
			}
		}
	}
	if wanted(only, "latency") {
		return b.latency()
	}
	return nil
}

// measure runs the rounds of one scenario, all targets in turn, and prints the medians.
func (b *bench) measure(s scenario) error {
	targets := []*process{b.proxy, b.path, b.all}
	results := make([][]figures, len(targets))
	for _, t := range targets { // warm up connections, caches and pools
		if _, err := load(s, t, b.length/3); err != nil {
			return err
		}
	}
	for range b.rounds { // what a round compares ran one after the other, and was disturbed by the same things
		var proxy float64
		for i, t := range targets {
			f, err := load(s, t, b.length)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if i == 0 {
				proxy = f.cpu
			}
			f.ratio = f.cpu / proxy
			results[i] = append(results[i], f)
			if err := t.settle(); err != nil {
				return err
			}
		}
	}
	each := func(f figures) float64 { return f.cpu / float64(max(1, s.chunks)) }
	cpu := func(i int) float64 { return median(results[i], each) }
	allocs := func(i int) float64 { return median(results[i], func(f figures) float64 { return f.allocs }) }
	ratio := func(i int) float64 { return median(results[i], func(f figures) float64 { return f.ratio }) }
	_, _ = fmt.Fprintf(b.out, "%-32s %9.2f %9.2f %9.2f %7.2f× %7.2f× %7.0f %7.0f %8.0f\n", s.name, cpu(0), cpu(1), cpu(2), ratio(1), ratio(2),
		allocs(0), allocs(1), median(results[2], func(f figures) float64 { return f.rate }))
	var lost float64
	for _, all := range results {
		for _, f := range all {
			lost += f.failed
		}
	}
	if lost > 0 {
		_, _ = fmt.Fprintf(b.out, "    answers that broke off: %.0f\n", lost)
	}
	return nil
}

func median(all []figures, of func(figures) float64) float64 {
	values := make([]float64, 0, len(all))
	for _, f := range all {
		values = append(values, of(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
