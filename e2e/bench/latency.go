package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

const (
	latencyRounds = 25
	latencyCalls  = 400 // of a round, by each target
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
	added := make([][]time.Duration, len(targets)) // by round; of the first target, all of its time
	clients := make([]http.Client, len(targets))
	for i := range clients {
		clients[i].Transport = &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}
		defer clients[i].CloseIdleConnections()
	}
	for range latencyRounds { // short ones in turn, so that what disturbs the machine disturbs all of a round's, yet long enough to be warm
		var direct time.Duration
		for i, t := range targets {
			took, err := medianTime(&clients[i], t, request(s, t.model))
			if err != nil {
				return err
			}
			if i == 0 {
				direct = took
				added[i] = append(added[i], took)
				continue
			}
			added[i] = append(added[i], took-direct)
		}
	}
	middle := func(i int) time.Duration {
		slices.Sort(added[i])
		return added[i][len(added[i])/2]
	}
	_, _ = fmt.Fprintf(b.out, "added median latency at one connection, %s: proxy %v, path %v, all in %v (direct %v)\n",
		processors, middle(1), middle(2), middle(3), middle(0))
	return nil
}

// medianTime makes calls one after the other, and tells how long they took once the connection and the caches were warm.
func medianTime(client *http.Client, t *process, body []byte) (time.Duration, error) {
	times := make([]time.Duration, 0, latencyCalls)
	for range latencyCalls {
		start := time.Now()
		if err := once(client, t, body, false); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start))
	}
	warm := times[latencyCalls/4:]
	slices.Sort(warm)
	return warm[len(warm)/2], nil
}
