package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what one round told.
type figures struct {
	cpu    float64 // µs per request
	ratio  float64 // of cpu, to the proxy's in the same round
	allocs float64 // per request
	rate   float64 // requests per second
	failed float64 // requests without a whole answer
}

// load keeps the scenario's connections busy for a while and tells what that cost the target.
func load(s scenario, target *process, length time.Duration) (figures, error) {
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: s.connections, MaxConnsPerHost: s.connections, DisableCompression: true,
	}}
	defer client.CloseIdleConnections()
	model := target.model
	if s.crosses {
		model += crossed
	}
	body := request(s, model)
	cpu, err1 := target.cpu()
	mallocs, err2 := target.mallocs()
	if err := errors.Join(err1, err2); err != nil {
		return figures{}, err
	}
	start := time.Now()
	var served, failed atomic.Int64
	var failure atomic.Pointer[error]
	var all sync.WaitGroup
	for range s.connections {
		all.Go(func() {
			for time.Since(start) < length {
				if err := once(client, target, body, s.chunks > 0); err != nil {
					failure.Store(&err)
					failed.Add(1)
				}
				served.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	if failed.Load()*100 > served.Load() { // now and then the reference's transport breaks a stream off
		return figures{}, *failure.Load()
	}
	cpuAfter, err1 := target.cpu()
	mallocsAfter, err2 := target.mallocs()
	n := float64(served.Load())
	return figures{
		cpu:    float64((cpuAfter - cpu).Microseconds()) / n,
		allocs: (mallocsAfter - mallocs) / n,
		rate:   n / took.Seconds(),
		failed: float64(failed.Load()),
	}, errors.Join(err1, err2)
}

// request is the body of a call. What the upstream is to do stands in the member "user".
func request(s scenario, model string) []byte {
	stream := ""
	if s.chunks > 0 {
		stream = fmt.Sprintf(`"stream":true,"stream_options":{"include_usage":true},"user":"%d %d",`, s.chunks, s.pace.Microseconds())
	}
	return fmt.Appendf(nil, `{%s"model":"%s","max_tokens":2000,"messages":[{"role":"user","content":"%s"}]}`,
		stream, model, strings.Repeat("some words ", s.prompt/11))
}

func once(client *http.Client, target *process, body []byte, stream bool) error {
	req, err := http.NewRequest(http.MethodPost, target.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+target.key)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", resp.StatusCode, text)
	}
	if err == nil && stream && !bytes.HasSuffix(text, []byte("data: [DONE]\n\n")) {
		err = errors.New("the stream has no end")
	}
	return err
}
