package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

// latency tells what each of the targets adds to the time of a call at one connection: with processors that stay awake while
// they wait for the next piece of work, and as the machine has them. A proxy has two more waits than a direct call; what it
// costs to wake a processor that sleeps, which is tens of microseconds in many virtual machines, is no work of anybody's.
func (b *bench) latency() error {
	if release, err := keepAwake(); err != nil {
		_, _ = fmt.Fprintf(b.out, "processors may sleep, and waking them is counted: %v\n", err)
	} else {
		err = b.latencyWith("processors awake")
		release()
		if err != nil {
			return err
		}
	}
	return b.latencyWith("processors as they are")
}

// keepAwake asks the kernel that no processor sleeps until release is called, as cyclictest does. It takes root. Source:
// https://docs.kernel.org/power/pm_qos_interface.html.
func keepAwake() (release func(), err error) {
	f, err := os.OpenFile("/dev/cpu_dma_latency", os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(make([]byte, 4)); err != nil { // an int32: 0 µs
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

func (b *bench) latencyWith(processors string) error {
	s := scenario{connections: 1, prompt: 700}
	targets := []*process{{url: b.upstream.url, model: "m", key: "none"}, b.proxy, b.path, b.all}
	times := make([][]time.Duration, len(targets))
	clients := make([]http.Client, len(targets))
	for i := range clients {
		clients[i].Transport = &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}
		defer clients[i].CloseIdleConnections()
	}
	for range 10 { // rounds in turn, each long enough to be warm
		for i, t := range targets {
			body := request(s, t.model)
			for n := range 400 {
				start := time.Now()
				if err := once(&clients[i], t, body, false); err != nil {
					return err
				}
				if n >= 100 {
					times[i] = append(times[i], time.Since(start))
				}
			}
		}
	}
	middle := func(i int) time.Duration {
		slices.Sort(times[i])
		return times[i][len(times[i])/2]
	}
	direct := middle(0)
	_, _ = fmt.Fprintf(b.out, "added median latency at one connection, %s: proxy %v, path %v, all in %v (direct %v)\n",
		processors, middle(1)-direct, middle(2)-direct, middle(3)-direct, direct)
	return nil
}
