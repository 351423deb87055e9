package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// openStreams is how many streams are open at once when memory is measured.
const openStreams = 2000

// openMemory tells how much memory an open stream takes, the target's connections on both sides included, in processes that have
// done nothing before: after load there is dead memory for the streams to lie in, and the figure would be next to nothing.
func openMemory(ctx context.Context, out io.Writer, binary string) error {
	upstream, err := startSelf(ctx, "upstream")
	if err != nil {
		return err
	}
	defer upstream.stop()
	proxy, err := startSelf(ctx, "proxy", "-target", upstream.url)
	if err != nil {
		return err
	}
	defer proxy.stop()
	gantry, err := startGantry(ctx, binary, upstream.url)
	if err != nil {
		return err
	}
	defer gantry.stop()
	for _, t := range []struct {
		name   string
		target *process
	}{{"proxy", proxy}, {"gantry", gantry}} {
		each, err := hold(t.target, openStreams)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "memory per open stream, %d streams, fresh process: %s %.1f KB\n", openStreams, t.name, float64(each)/1024)
	}
	return nil
}

// hold opens streams that give a chunk a second, and measures once all have begun and some time has passed.
func hold(target *process, n int) (each int64, err error) {
	before, err := target.resident()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all, begun sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	body := request(scenario{prompt: 700, chunks: 60, pace: time.Second}, target.model)
	begun.Add(n)
	for range n {
		all.Go(func() {
			first := sync.OnceFunc(begun.Done)
			defer first()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.url+"/v1/chat/completions", bytes.NewReader(body))
			if err != nil {
				return
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+target.key)
			resp, err := client.Do(req)
			if err != nil {
				return
			}
			defer resp.Body.Close()
			_, _ = io.ReadFull(resp.Body, make([]byte, 64))
			first()
			_, _ = io.Copy(io.Discard, resp.Body)
		})
	}
	begun.Wait()
	<-time.After(10 * time.Second) // several chunks each, and a collection or two
	after, err := target.resident()
	cancel()
	all.Wait()
	client.CloseIdleConnections()
	return (after - before) / int64(n), err
}
