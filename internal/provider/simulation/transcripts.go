package simulation

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/simulation/voice"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// transcript is what a recording says.
type transcript struct {
	facts     wire.TranscriptFacts
	task      string
	language  string
	sentences []string
}

// transcripts writes down a recording: what the simulation itself spoke word for word, anything else as text that depends on the
// recording alone.
func (e *engine) transcripts(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	t, refusal := readTranscript(c)
	if refusal != nil {
		return refusal.response(c), nil
	}
	text := strings.Join(t.sentences, " ")
	if c.Stream {
		return response(c, http.StatusOK, "text/event-stream; charset=utf-8", newScript(ctx, e.now, p, t.beats(text, p))), nil
	}
	if err := pause(ctx, p.firstToken()+p.spend(count(text))); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	body, kind := t.render(text, p)
	r := e.whole(c, []byte(body), p)
	r.Header.Set("Content-Type", kind)
	return r, nil
}

func readTranscript(c *provider.Call) (*transcript, *failure) {
	t := &transcript{task: "transcribe", language: "english"}
	peek := wire.PeekTranscription
	if c.Kind == inference.Translations {
		peek, t.task = wire.PeekTranslation, "translate"
	}
	var err error
	if t.facts, err = peek(c.Body); err != nil {
		return nil, refusalOf(err)
	}
	if !is(t.facts.Model, transcriptModel) {
		return nil, unknownModel(t.facts.Model)
	}
	switch t.facts.Format {
	case "", "json", "text", "srt", "vtt", "verbose_json":
	default:
		return nil, bad("response_format", "invalid_value", "Invalid 'response_format': expected json, text, srt, verbose_json or vtt.")
	}
	t.listen()
	return t, nil
}

// listen decides what the recording says.
func (t *transcript) listen() {
	file := t.facts.Decode()
	said, known := voice.Said(file)
	foreign := strings.ContainsFunc(said, isHan)
	if known && (!foreign || t.task == "transcribe") {
		t.sentences = sentencesOf(said)
	} else {
		h := fnv.New64a()
		_, _ = h.Write(file)
		w := newWriter(rand.New(rand.NewPCG(h.Sum64(), golden)), t.facts.Prompt) //nolint:gosec // reproducible on purpose
		t.sentences = sentencesOf(w.text())
		foreign = w.book == chinese
	}
	if foreign {
		t.language = "chinese"
	}
}

// sentencesOf takes a text apart where sentences end.
func sentencesOf(text string) (out []string) {
	start := 0
	for i, r := range text {
		if strings.ContainsRune(".!?。!?", r) {
			end := i + len(string(r))
			out = append(out, strings.TrimSpace(text[start:end]))
			start = end
		}
	}
	if rest := strings.TrimSpace(text[start:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

// at is when the i-th sentence begins: they share the time evenly.
func (t *transcript) at(i int) time.Duration {
	return time.Duration(t.facts.Seconds) * time.Second * time.Duration(i) / time.Duration(max(1, len(t.sentences)))
}

func (t *transcript) render(text string, p plan) (body, contentType string) {
	const plain = "text/plain; charset=utf-8"
	switch t.facts.Format {
	case "text":
		return text + "\n", plain
	case "srt":
		return t.captions("", ","), plain
	case "vtt":
		return t.captions("WEBVTT\n\n", "."), plain
	}
	out := map[string]any{"text": text}
	if p.fault != faultNoUsage {
		out["usage"] = t.usage()
	}
	if t.facts.Format == "verbose_json" {
		out["task"], out["language"], out["duration"], out["segments"] = t.task, t.language, t.facts.Seconds, t.segments()
	}
	return compact(out), "application/json"
}

func (t *transcript) usage() map[string]any {
	return map[string]any{"type": "duration", "seconds": t.facts.Seconds}
}

// captions are the sentences with their times.
func (t *transcript) captions(head, point string) string {
	var b strings.Builder
	b.WriteString(head)
	for i, s := range t.sentences {
		if head == "" {
			fmt.Fprintf(&b, "%d\n", i+1)
		}
		fmt.Fprintf(&b, "%s --> %s\n%s\n\n", stamp(t.at(i), point), stamp(t.at(i+1), point), s)
	}
	return b.String()
}

func stamp(d time.Duration, point string) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d%s%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, point, ms%1000)
}

func (t *transcript) segments() []any {
	out := make([]any, len(t.sentences))
	for i, s := range t.sentences {
		out[i] = map[string]any{"id": i, "start": t.at(i).Seconds(), "end": t.at(i + 1).Seconds(), "text": s}
	}
	return out
}

// beats are the events of a stream.
func (t *transcript) beats(text string, p plan) (out []beat) {
	add := func(name string, tokens int, more map[string]any) {
		more["type"] = name
		out = append(out, beat{event: []byte("event: " + name + "\ndata: " + compact(more) + "\n\n"), tokens: tokens})
	}
	for _, token := range cut(text) {
		add("transcript.text.delta", 1, map[string]any{"delta": token})
	}
	done := map[string]any{"text": text}
	if p.fault != faultNoUsage {
		done["usage"] = t.usage()
	}
	add("transcript.text.done", 0, done)
	out[len(out)-1].last = true
	return out
}
