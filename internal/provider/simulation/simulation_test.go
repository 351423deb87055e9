package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/providertest"
	relay "github.com/gantry-ai/gantry/internal/wire"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

func fixed() clock.Clock { return clock.NewManual(time.Unix(1_760_000_000, 0)).Now }

func request(kind inference.Kind, body, instructions string) provider.Call {
	c := provider.Call{Kind: kind, Body: []byte(body), Attempt: 1, RequestID: "r1", Stream: strings.Contains(body, `"stream":true`)}
	if instructions != "" {
		c.Header = http.Header{header: {instructions}}
	}
	return c
}

func chat(more, instructions string) provider.Call {
	return request(inference.Chat, `{"model":"sim-chat","messages":[{"role":"user","content":"Explain bridges in Kyiv"}]`+more+`}`, instructions)
}

const streamed = `,"stream":true,"stream_options":{"include_usage":true}`

func open(t *testing.T) provider.Upstream {
	t.Helper()
	u, err := New(Options{Clock: fixed()}).Open(provider.Account{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// send returns the status, the body and the error that ended the body.
func send(t *testing.T, c provider.Call) (status int, text string, ended error) {
	t.Helper()
	resp, err := open(t).Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, string(body), err
}

func TestConformance(t *testing.T) {
	t.Parallel()
	silent, endless := chat("", "fault=hang"), chat(streamed, "fault=hang;after=2")
	failure := func(name string, c provider.Call, want provider.Outcome) providertest.Failure {
		return providertest.Failure{Name: name, Call: c, Want: want}
	}
	providertest.Run(t, &providertest.Suite{
		Adapter: New(Options{}),
		Bad: []providertest.BadAccount{
			{Name: "pace", Path: "config.tokensPerSecond", Spoil: func(a *provider.Account) { a.Config = []byte(`{"tokensPerSecond":-1}`) }},
			{Name: "unknown", Path: "config.speed", Spoil: func(a *provider.Account) { a.Config = []byte(`{"speed":1}`) }},
		},
		Whole: []provider.Call{
			chat("", ""), request(inference.Embeddings, `{"model":"sim-embed","input":"hi"}`, ""), answers("", ""), images(`,"n":2`, ""), edits(""),
			continuing("", ""), hearing(inference.Transcriptions, "hi", ""), hearing(inference.Translations, "hi", ""), variation(""),
			moderation(`"hi"`), rankings("", ""),
		},
		Raw: []provider.Call{
			speech("hi", "", ""), speech("hi", `,"response_format":"pcm"`, ""), hearing(inference.Transcriptions, "hi", `,"response_format":"srt"`),
		},
		Streams: []provider.Call{chat(streamed, ""), chat(`,"stream":true,"n":2`, "pace=1000000")},
		Jobs:    []provider.Call{videos("", ""), videos(`,"n":2,"seconds":1`, "")},
		JobFailures: []providertest.Failure{
			failure("429", videos("", "fault=429"), provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_exceeded", RetryAfter: time.Second}),
			failure("policy", videos("", "fault=content_policy"), provider.Outcome{Category: inference.ContentPolicy, Code: "content_policy_violation"}),
			failure("size", videos(`,"seconds":"61"`, ""), provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value"}),
			failure("lost", videos("", "fault=cut"), provider.Outcome{Category: inference.Connect, Code: "upstream_unreachable"}),
		},
		Sessions: []provider.Call{{Kind: inference.Realtime, Model: "sim-realtime", Attempt: 1}, {Kind: inference.Realtime, Model: "sim-realtime-mini", Attempt: 2, Header: http.Header{"X-Simulation": {"fault=flaky"}}}},
		SessionFailures: []providertest.Failure{{
			Name: "model", Call: provider.Call{Kind: inference.Realtime, Model: "gpt-realtime"}, Want: provider.Outcome{Category: inference.NotFound, Code: "model_not_found"},
		}},
		End:     wire.DoneFrame,
		Silent:  &silent,
		Endless: &endless,
		Failures: []providertest.Failure{
			failure("429", chat("", "fault=429"), provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_exceeded", RetryAfter: time.Second}),
			failure("429 for longer", chat("", "fault=429;ms=2500"), provider.Outcome{Category: inference.RateLimited, Code: "rate_limit_exceeded", RetryAfter: 3 * time.Second}),
			failure("500", chat("", "fault=500"), provider.Outcome{Category: inference.ServerError, Code: "server_error"}),
			failure("flaky", chat("", "fault=flaky"), provider.Outcome{Category: inference.Overloaded, Code: "engine_overloaded"}),
			failure("unknown fault", chat("", "fault=earthquake"), provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value"}),
			failure("model", request(inference.Chat, `{"model":"gpt-5","messages":[{"role":"user","content":"x"}]}`, ""), provider.Outcome{Category: inference.NotFound, Code: "model_not_found"}),
			failure("operation", request(inference.Messages, `{}`, ""), provider.Outcome{Category: inference.NotFound, Code: "unknown_url"}),
			failure("too long", request(inference.Embeddings, `{"model":"sim-embed","input":"`+strings.Repeat("a ", 9000)+`"}`, ""), provider.Outcome{Category: inference.ContextLength, Code: codeContextLength}),
		},
		Models: []string{chatModel, embeddingModel, imageModel, videoModel},
	})
}

// heard puts a stream together as a caller does.
type heard struct {
	text, reasoning, finish, args string
	usage                         *usage
	tokens                        int
}

func hear(t *testing.T, stream string) (h heard) {
	t.Helper()
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	defer r.Release()
	for {
		e, err := r.Next()
		if err != nil || e.Unterminated || string(e.Data) == "[DONE]" {
			return h
		}
		var chunk struct {
			Choices []struct {
				Index int `json:"index"`
				Delta struct {
					Content          string `json:"content"`
					ReasoningContent string `json:"reasoning_content"`
					ToolCalls        []struct {
						Index    int        `json:"index"`
						Function calledTool `json:"function"`
					} `json:"tool_calls"`
				} `json:"delta"`
				FinishReason string `json:"finish_reason"`
			} `json:"choices"`
			Usage *usage `json:"usage"`
		}
		if err := json.Unmarshal(e.Data, &chunk); err != nil {
			t.Fatalf("%s: %v", e.Data, err)
		}
		for _, c := range chunk.Choices {
			h.text += c.Delta.Content
			h.reasoning += c.Delta.ReasoningContent
			h.finish += c.FinishReason
			for _, call := range c.Delta.ToolCalls {
				h.args += call.Function.Arguments
			}
			if c.FinishReason == "" {
				h.tokens++
			}
		}
		if chunk.Usage != nil {
			h.usage = chunk.Usage
		}
	}
}

type whole struct {
	Choices []struct {
		Message struct {
			Content          string `json:"content"`
			ReasoningContent string `json:"reasoning_content"`
			ToolCalls        []struct {
				ID       string     `json:"id"`
				Function calledTool `json:"function"`
			} `json:"tool_calls"`
		} `json:"message"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage *usage `json:"usage"`
}

type calledTool struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func answer(t *testing.T, c provider.Call) whole {
	t.Helper()
	status, body, err := send(t, c)
	var w whole
	if err != nil || status != http.StatusOK || json.Unmarshal([]byte(body), &w) != nil {
		t.Fatalf("%d %s %v", status, body, err)
	}
	return w
}

func TestTheSameRequestHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	_, first, _ := send(t, chat("", ""))
	_, again, _ := send(t, chat("", ""))
	_, other, _ := send(t, chat(`,"seed":7`, ""))
	if first != again || first == other {
		t.Errorf("first %s\nagain %s\nother %s", first, again, other)
	}
	w := answer(t, chat(`,"reasoning_effort":"low"`, ""))
	_, stream, _ := send(t, chat(`,"reasoning_effort":"low"`+streamed, ""))
	h := hear(t, stream)
	if c := w.Choices[0]; h.text != c.Message.Content || h.reasoning != c.Message.ReasoningContent || h.finish != "stop" || *h.usage != *w.Usage {
		t.Errorf("whole %+v\nstream %+v", w, h)
	}
	if w.Usage.CompletionDetails.ReasoningTokens != 32 || w.Usage.CompletionTokens != 32+count(h.text) || count(h.text) < 20 {
		t.Errorf("usage %+v", w.Usage)
	}
}

func TestTheAnswerIsAboutThePrompt(t *testing.T) {
	t.Parallel()
	w := answer(t, chat("", ""))
	if text := w.Choices[0].Message.Content; !strings.Contains(text, "bridges") && !strings.Contains(text, "Kyiv") || strings.Count(text, ".") < 2 {
		t.Error(text)
	}
	w = answer(t, request(inference.Chat, `{"model":"sim-chat-cheap","messages":[{"role":"user","content":"请介绍一下长江大桥的历史"}]}`, ""))
	if text := w.Choices[0].Message.Content; !strings.Contains(text, "长江大桥") && !strings.Contains(text, "历史") || strings.Contains(text, "the ") {
		t.Error(text)
	}
	w = answer(t, request(inference.Chat, `{"model":"sim-chat","messages":[{"role":"user","content":[{"type":"text","text":"Kyiv"},{"type":"image_url","image_url":{"url":"x"}}]}]}`, ""))
	if w.Usage.PromptTokens != perRequest+perMessage+perImage+1 {
		t.Errorf("usage %+v", w.Usage)
	}
}

func TestLimitsStopsAndChoices(t *testing.T) {
	t.Parallel()
	w := answer(t, chat(`,"max_tokens":5,"n":3`, ""))
	if len(w.Choices) != 3 || w.Choices[2].FinishReason != "length" || w.Usage.CompletionTokens != 15 || count(w.Choices[0].Message.Content) != 5 {
		t.Errorf("got %+v", w)
	}
	if w.Choices[0].Message.Content == w.Choices[1].Message.Content && w.Choices[1].Message.Content == w.Choices[2].Message.Content {
		t.Error("all choices are alike")
	}
	w = answer(t, chat(`,"max_completion_tokens":10,"reasoning_effort":"high"`, ""))
	if w.Choices[0].Message.Content != "" || w.Usage.CompletionDetails.ReasoningTokens != 10 || w.Choices[0].FinishReason != "length" {
		t.Errorf("got %+v", w)
	}
	w = answer(t, chat(`,"stop":["."," is "]`, ""))
	if text := w.Choices[0].Message.Content; strings.Contains(text, ".") || w.Choices[0].FinishReason != "stop" {
		t.Errorf("got %q", text)
	}
	w = answer(t, chat(`,"prompt_cache_key":"k"`, "tokens=500"))
	if w.Usage.CompletionTokens != 500 || w.Usage.PromptDetails.CachedTokens != w.Usage.PromptTokens/2 {
		t.Errorf("usage %+v", w.Usage)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[]`: `"code":"invalid_json"`,
		`{"model":"sim-chat","messages":[{"role":"robot","content":"x"}]}`:                                               `"param":"messages[0].role"`,
		`{"model":"sim-chat","messages":[{"role":"user"}]}`:                                                              `"param":"messages[0].content"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":[{"type":"video"}]}]}`:                                 `"param":"messages[0].content"`,
		`{"model":"sim-chat","messages":[{"role":"tool","content":"x","tool_call_id":"a"}]}`:                             `"param":"messages[0].role"`,
		`{"model":"sim-chat","messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]}`:                               `"param":"messages"`,
		`{"model":"sim-chat","messages":[{"role":"assistant","tool_calls":[{"id":"a"}]},{"role":"user","content":"x"}]}`: `"param":"messages[1]"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"temperature":2.5}`:                              `"param":"temperature"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"temperature":"hot"}`:                            `"code":"invalid_type"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"top_p":-1}`:                                     `"param":"top_p"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"stop":[]}`:                                      `"param":"stop"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"reasoning_effort":"huge"}`:                      `"param":"reasoning_effort"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"}]}`:                  `"param":"tools[0]"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"tool_choice":"auto"}`:                           `"param":"tool_choice"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"response_format":{"type":"xml"}}`:               `"param":"response_format.type"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"}}`:       `"param":"messages"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema"}}`:       `"param":"response_format.json_schema.name"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true}}`:        `"param":"stream_options"`,
		`{"model":"sim-chat","messages":[{"role":"user","content":"` + strings.Repeat("ab cd ", 70_000) + `"}]}`:         codeContextLength,
	} {
		status, got, _ := send(t, request(inference.Chat, body, ""))
		if status != http.StatusBadRequest || !strings.Contains(got, want) {
			t.Errorf("%.120s: %d %.200s", body, status, got)
		}
	}
	for body, want := range map[string]string{
		`{"model":"sim-embed","input":["a",""]}`:                    `"param":"input"`,
		`{"model":"sim-embed","input":[["a"]]}`:                     `"param":"input"`,
		`{"model":"sim-embed","input":"a","dimensions":0}`:          `"param":"dimensions"`,
		`{"model":"sim-embed","input":"a","encoding_format":"hex"}`: `"param":"encoding_format"`,
	} {
		status, got, _ := send(t, request(inference.Embeddings, body, ""))
		if status != http.StatusBadRequest || !strings.Contains(got, want) {
			t.Errorf("%s: %d %.200s", body, status, got)
		}
	}
	for _, text := range []string{"fault=", "fault=nope", "after=-1", "ms=x", "pace=1000001", "tokens=1e3", "color=red"} {
		status, got, _ := send(t, chat("", text))
		if status != http.StatusBadRequest || !strings.Contains(got, "slow_first_token") || !strings.Contains(got, text) {
			t.Errorf("%s: %d %s", text, status, got)
		}
	}
}

func TestFaultsOfStreams(t *testing.T) {
	t.Parallel()
	_, got, err := send(t, chat(streamed, "fault=cut;after=4"))
	if h := hear(t, got); !errors.Is(err, io.ErrUnexpectedEOF) || strings.Count(got, `{"content":"`) != 4 || h.finish != "" || strings.HasSuffix(got, "\n\n") {
		t.Errorf("cut: %v, %s", err, got)
	}
	_, got, err = send(t, chat(streamed+`,"max_tokens":2`, "fault=cut;after=40"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(got, "length") {
		t.Errorf("cut of a short answer: %v, %s", err, got)
	}
	_, got, err = send(t, chat(streamed, "fault=malformed"))
	if err != nil || strings.Contains(got, "[DONE]") || !strings.HasSuffix(got, "{\"index\":\n\n") {
		t.Errorf("malformed: %v, %s", err, got)
	}
	_, got, err = send(t, chat(streamed, "fault=no_usage"))
	if err != nil || strings.Contains(got, "usage") || !strings.HasSuffix(got, wire.DoneFrame) {
		t.Errorf("no usage: %v, %s", err, got)
	}
	c := chat(streamed, "fault=flaky")
	c.Attempt = 2
	if status, got, _ := send(t, c); status != http.StatusOK || !strings.HasSuffix(got, wire.DoneFrame) {
		t.Errorf("the second attempt of flaky: %d %s", status, got)
	}
}

func TestFaultsOfWholeAnswers(t *testing.T) {
	t.Parallel()
	for instructions, cause := range map[string]error{"fault=cut": io.ErrUnexpectedEOF, "fault=malformed": nil} {
		status, got, err := send(t, chat("", instructions))
		if !errors.Is(err, cause) || json.Valid([]byte(got)) || status != http.StatusOK {
			t.Errorf("%s: %v, %s", instructions, err, got)
		}
	}
	if w := answer(t, chat("", "fault=no_usage")); w.Usage != nil {
		t.Errorf("usage %+v", w.Usage)
	}
}

// exchange makes a call and reads its answer, and tells how long the headers took.
func exchange(ctx context.Context, u provider.Upstream, c provider.Call) (body []byte, headers time.Duration, ended error) {
	begin := time.Now()
	resp, err := u.Send(ctx, &c)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	headers = time.Since(begin)
	body, ended = io.ReadAll(resp.Body)
	return body, headers, ended
}

func TestThePaceIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, err := New(Options{TokensPerSecond: 10}).Open(provider.Account{})
		if err != nil {
			t.Fatal(err)
		}
		for instructions, want := range map[string]time.Duration{
			"tokens=20":                             1900 * time.Millisecond,
			"tokens=20;pace=100":                    190 * time.Millisecond,
			"tokens=20;fault=slow_first_token":      4900 * time.Millisecond,
			"tokens=1;fault=slow_first_token;ms=70": 70 * time.Millisecond,
		} {
			begin := time.Now()
			_, headers, err := exchange(t.Context(), u, chat(streamed, instructions))
			if got := time.Since(begin); err != nil || headers != 0 || got != want {
				t.Errorf("%s took %v, headers %v, want %v: %v", instructions, got, headers, want, err)
			}
		}
		if _, headers, err := exchange(t.Context(), u, chat("", "tokens=20")); err != nil || headers != 2*time.Second {
			t.Errorf("a whole answer took %v, %v", headers, err)
		}
	})
}

func TestTheContextEndsAStreamAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, err := New(Options{TokensPerSecond: 1}).Open(provider.Account{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		begin := time.Now()
		got, _, err := exchange(ctx, u, chat(streamed, ""))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2500*time.Millisecond || bytes.Count(got, []byte(`{"content":"`)) != 3 {
			t.Errorf("after %v: %v, %s", time.Since(begin), err, got)
		}
	})
}

// The stream meter, which knows nothing of this engine, agrees with what the engine tells.
func TestTheMeterAgrees(t *testing.T) {
	t.Parallel()
	_, got, _ := send(t, chat(streamed+`,"reasoning_effort":"low"`, ""))
	m := wire.Chat.Meter(relay.MeterOptions{})
	r := sse.NewReader(strings.NewReader(got), 1<<20)
	defer r.Release()
	for {
		e, err := r.Next()
		if err != nil {
			break
		}
		m.Event(e.Raw, e.Data)
	}
	u := hear(t, got).usage
	if res := m.Result(); !res.Known || res.Usage.OutputTokens() != int64(u.CompletionTokens) || res.Usage.Quantities[inference.TextReasoning] != 32 {
		t.Errorf("meter %+v, engine %+v", res, u)
	}
}
