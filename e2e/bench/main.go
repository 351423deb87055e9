// Command bench measures what a relayed request costs Gantry, beside a bare httputil.ReverseProxy in the same run.
//
// Upstream, proxy and Gantry are processes of their own with one processor each. What counts is CPU time per request, from
// /proc, and allocations, from each process itself; rounds of both are interleaved, so that what disturbs the machine
// disturbs both. Requests a second are shown too, but they move with the machine.
//
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
	target := flag.String("target", "", "of the proxy: the upstream's URL")
	rounds := flag.Int("rounds", 3, "rounds per scenario; the median counts")
	length := flag.Duration("length", 3*time.Second, "length of a round")
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
		err = run(os.Stdout, *gantry, *rounds, *length, *only)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// scenario is one kind of load.
type scenario struct {
	name        string
	connections int
	prompt      int // bytes
	stream      bool
}

var scenarios = []scenario{
	{"buffered 1 KB, 32 connections", 32, 700, false},
	{"buffered 1 KB, 256 connections", 256, 700, false},
	{"100 KB prompt, 16 connections", 16, 100 << 10, false},
	{"stream of 100 chunks, 32 connections", 32, 700, true},
}

func run(out io.Writer, binary string, rounds int, length time.Duration, only string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	up, err := startSelf(ctx, "upstream")
	if err != nil {
		return err
	}
	defer up.stop()
	proxy, err := startSelf(ctx, "proxy", "-target", up.url)
	if err != nil {
		return err
	}
	defer proxy.stop()
	gw, err := startGantry(ctx, binary, up.url)
	if err != nil {
		return err
	}
	defer gw.stop()
	_, _ = fmt.Fprintf(out, "%-38s %16s %16s %7s %14s %14s %13s\n", "", "proxy µs CPU/req", "gantry µs", "ratio", "proxy allocs", "gantry allocs", "gantry req/s")
	for _, s := range scenarios {
		if !strings.Contains(s.name, only) {
			continue
		}
		if err := measure(out, s, proxy, gw, rounds, length); err != nil {
			return err
		}
	}
	return nil
}

// measure runs the rounds of one scenario, proxy and Gantry in turn, and prints the medians.
func measure(out io.Writer, s scenario, proxy, gw *process, rounds int, length time.Duration) error {
	var p, g []figures
	for _, target := range []*process{proxy, gw} { // warm up connections, caches and pools
		if _, err := load(s, target, length/3); err != nil {
			return err
		}
	}
	for range rounds {
		for _, t := range []struct {
			target *process
			into   *[]figures
		}{{proxy, &p}, {gw, &g}} {
			f, err := load(s, t.target, length)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			*t.into = append(*t.into, f)
		}
	}
	pc, gc := median(p, func(f figures) float64 { return f.cpu }), median(g, func(f figures) float64 { return f.cpu })
	_, _ = fmt.Fprintf(out, "%-38s %16.1f %16.1f %6.2f× %14.0f %14.0f %13.0f\n", s.name, pc, gc, gc/pc,
		median(p, func(f figures) float64 { return f.allocs }), median(g, func(f figures) float64 { return f.allocs }),
		median(g, func(f figures) float64 { return f.rate }))
	if lost := total(p) + total(g); lost > 0 {
		_, _ = fmt.Fprintf(out, "    answers that broke off: proxy %.0f, gantry %.0f\n", total(p), total(g))
	}
	return nil
}

// total is how many answers broke off in all rounds.
func total(all []figures) (n float64) {
	for _, f := range all {
		n += f.failed
	}
	return n
}

func median(all []figures, of func(figures) float64) float64 {
	values := make([]float64, 0, len(all))
	for _, f := range all {
		values = append(values, of(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
