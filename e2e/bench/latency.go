package main

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// latency tells what each of the targets adds to the time of a call at one connection.
func (b *bench) latency() error {
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
	_, _ = fmt.Fprintf(b.out, "added median latency at one connection: proxy %v, path %v, all in %v (direct %v)\n",
		middle(1)-direct, middle(2)-direct, middle(3)-direct, direct)
	return nil
}
