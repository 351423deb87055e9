package openai

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sse"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// metered is what a meter knows at the end.
type metered struct {
	wire.Metered
	delivered int64
}

// known is told at the end of a stream: what Tokens says of a text that is counted by a vocabulary depends on when it is asked.
func known(m wire.Meter, o wire.MeterOptions) metered {
	out := metered{Metered: m.Result()}
	if counter, ok := m.(wire.MeterCounter); ok {
		out.delivered = counter.Delivered()
	}
	if o.NoUsage {
		out.OutputTokens = 0
	}
	return out
}

// oneByOne passes a stream through a meter event by event.
func oneByOne(t *testing.T, stream string, o wire.MeterOptions) (string, metered) {
	t.Helper()
	m := chatFormat{}.Meter(o)
	events := sse.NewReader(strings.NewReader(stream), 1<<20)
	var out []byte
	for {
		e, err := events.Next()
		if err != nil {
			return string(out), known(m, o)
		}
		deliver, _ := m.Event(e.Raw, e.Data)
		out = append(out, deliver...)
	}
}

// inRuns passes it through another one, taking as many events at a time as the meter can, and never more tokens than step
// beyond what it had.
func inRuns(t *testing.T, r io.Reader, o wire.MeterOptions, step int64) (string, metered, int) {
	t.Helper()
	m := chatFormat{}.Meter(o)
	runner, ok := m.(wire.Runner)
	if !ok {
		t.Fatal("the meter takes no runs")
	}
	events := sse.NewReader(r, 1<<20)
	var out []byte
	runs := 0
	for {
		if b := events.Pending(); len(b) > 0 {
			most := m.Tokens() + step
			var n int
			out, n = runner.Run(out, b, most)
			if m.Tokens() > most && n > 0 {
				t.Fatalf("%d tokens where %d are allowed", m.Tokens(), most)
			}
			if n > 0 {
				runs++
				events.Skip(n)
				continue
			}
		}
		e, err := events.Next()
		if err != nil {
			return string(out), known(m, o), runs
		}
		deliver, _ := m.Event(e.Raw, e.Data)
		out = append(out, deliver...)
	}
}

// dribble reads in pieces of any size.
type dribble struct {
	r   io.Reader
	rnd *rand.Rand
}

func (d dribble) Read(p []byte) (int, error) {
	return d.r.Read(p[:min(len(p), 1+d.rnd.IntN(3000))])
}

var contents = []string{
	"token ", "", "你好，", "é", `a \"quoted\" word`, `\n`, `\u4f60`, strings.Repeat("long ", 50), "x",
}

func randomStream(rnd *rand.Rand) string {
	var b strings.Builder
	end := []string{"}", `,"usage":null}`, `,"obfuscation":"abc"}`}[rnd.IntN(3)]
	id := "c1"
	for range rnd.IntN(200) {
		switch rnd.IntN(30) {
		case 0:
			b.WriteString(": still here\n\n")
			continue
		case 1:
			id = fmt.Sprint("c", rnd.IntN(9))
		case 2:
			fmt.Fprintf(&b, "data: {\"id\":%q,\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}]%s\n\n", id, end)
			continue
		case 3:
			fmt.Fprintf(&b, "event: x\r\ndata: {\"id\":%q,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"crlf\"}}]%s\r\n\r\n", id, end)
			continue
		}
		fmt.Fprintf(&b, "data: {\"id\":%q,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"finish_reason\":null}]%s\n\n",
			id, contents[rnd.IntN(len(contents))], end)
	}
	if rnd.IntN(2) == 0 {
		b.WriteString("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n\n")
	}
	return b.String()
}

func TestRunsDeliverAndCountWhatEventsDo(t *testing.T) {
	t.Parallel()
	runs := 0
	for seed := range uint64(1000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		stream := randomStream(rnd)
		o := wire.MeterOptions{HideUsage: seed%2 == 0}
		if seed%3 == 0 {
			o.Family = tokens.O200k
			o.NoUsage = seed%6 == 0
		}
		want, all := oneByOne(t, stream, o)
		got, same, n := inRuns(t, dribble{strings.NewReader(stream), rnd}, o, 1+rnd.Int64N(80))
		if got != want {
			t.Fatalf("seed %d: delivered\n%s\nwant\n%s", seed, got, want)
		}
		if same != all {
			t.Fatalf("seed %d: metered %+v, want %+v", seed, same, all)
		}
		runs += n
	}
	t.Log(runs, "runs")
	if runs < 10_000 {
		t.Errorf("%d runs: events were not taken together", runs)
	}
}

func FuzzRun(f *testing.F) {
	f.Add([]byte("data: {\"delta\":{\"content\":\"a\"}}\n\ndata: {\"delta\":{\"content\":\"b\"}}\n\n"), int64(64))
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\\\"\"}}]}\n\n"), int64(0))
	f.Fuzz(func(t *testing.T, stream []byte, step int64) {
		step = max(0, step%1000)
		want, all := oneByOne(t, string(stream), wire.MeterOptions{})
		got, same, _ := inRuns(t, bytes.NewReader(stream), wire.MeterOptions{}, step)
		if got != want || same != all {
			t.Errorf("delivered %q (%+v), want %q (%+v)", got, same, want, all)
		}
	})
}
