package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"time"
)

const answer = `{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"m","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":180,"completion_tokens":100,"total_tokens":280}}`

// message is the same answer in Anthropic's protocol.
const message = `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"%s"}],` +
	`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":180,"output_tokens":100}}`

const (
	chunk    = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"m","choices":[{"index":0,"delta":{"content":"token "},"finish_reason":null}]}` + "\n\n"
	lastPart = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	usage    = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"m","choices":[],"usage":{"prompt_tokens":180,"completion_tokens":100,"total_tokens":280}}` + "\n\n"
)

// serveUpstream is an upstream that costs as little as can be.
func serveUpstream(out io.Writer) error {
	whole, translated := fmt.Appendf(nil, answer, strings.Repeat("word ", 60)), fmt.Appendf(nil, message, strings.Repeat("word ", 60))
	return serve(out, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if !bytes.Contains(body[:min(len(body), 200)], []byte(`"stream":true`)) {
			w.Header().Set("Content-Type", "application/json")
			if strings.HasSuffix(r.URL.Path, "/messages") {
				_, _ = w.Write(translated)
			} else {
				_, _ = w.Write(whole)
			}
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		flusher := http.NewResponseController(w)
		chunks, pace := asked(body)
		for range chunks {
			_, _ = io.WriteString(w, chunk)
			if flusher.Flush() != nil {
				return
			}
			if pace > 0 {
				<-time.After(pace)
			}
		}
		_, _ = io.WriteString(w, lastPart+usage+"data: [DONE]\n\n")
	}))
}

// asked reads how many chunks a request wants, and how fast.
func asked(body []byte) (chunks int, pace time.Duration) {
	var micros int64
	_, rest, _ := bytes.Cut(body[:min(len(body), 200)], []byte(`"user":"`))
	_, _ = fmt.Sscanf(string(rest), "%d %d", &chunks, &micros)
	return chunks, time.Duration(micros) * time.Microsecond
}

// serveProxy is the reference: the standard library's reverse proxy with a tuned transport and nothing else.
func serveProxy(out io.Writer, target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{
		MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10,
	}
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("/mallocs", func(w http.ResponseWriter, _ *http.Request) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		_, _ = fmt.Fprintf(w, "go_memstats_mallocs_total %d\n", m.Mallocs)
	})
	return serve(out, mux)
}

func serve(out io.Writer, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "http://"+l.Addr().String())
	return (&http.Server{Handler: h, ReadHeaderTimeout: time.Minute}).Serve(l)
}

// freePorts returns two addresses that were free a moment ago.
func freePorts() (a, b string, err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer first.Close()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer second.Close()
	return first.Addr().String(), second.Addr().String(), nil
}
