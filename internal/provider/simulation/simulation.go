// Package simulation is an upstream that lives in this process: it answers everything that the OpenAI dialect has and makes
// videos as jobs, without a network, the same request always in the same way, and fails on request. Demonstrations, end-to-end
// tests and load tests run on it; its calls are booked in simulated money. Source: DESIGN section 13.
package simulation

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// The models that there are. A name with a suffix, such as "sim-chat-cheap", is the same model.
const (
	chatModel      = "sim-chat"
	embeddingModel = "sim-embed"
	imageModel     = "sim-image"
	videoModel     = "sim-video"

	speechModel     = "sim-tts"
	transcriptModel = "sim-stt"
	rerankModel     = "sim-rerank"
	moderationModel = "sim-moderation"
)

// Options set the engine up. The zero value answers as fast as it can be read.
type Options struct {
	// TokensPerSecond is the pace at which tokens come; 0 means no pause between them.
	TokensPerSecond int
	// Clock gives the created fields and the pace; nil is the machine's.
	Clock clock.Clock
	// Jobs is the memory of video jobs; nil is one that ends with the process.
	Jobs JobBook
}

// Adapter is the adapter "simulation".
type Adapter struct{ options Options }

// New returns the adapter.
func New(o Options) Adapter {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Jobs == nil {
		o.Jobs = newMemoryBook()
	}
	return Adapter{o}
}

// config is what a platform's config may say.
type config struct {
	// TokensPerSecond replaces the engine's pace for this platform.
	TokensPerSecond int `json:"tokensPerSecond"`
}

// maxPace bounds tokens per second, so that the pause between two is never rounded to nothing by accident.
const maxPace = 1_000_000

// Open checks the account. There is nobody to reach, so base URL and credentials are not looked at.
func (a Adapter) Open(account provider.Account) (provider.Upstream, error) {
	c := config{TokensPerSecond: a.options.TokensPerSecond}
	if err := provider.DecodeConfig(account.Config, &c); err != nil {
		return nil, err
	}
	if c.TokensPerSecond < 0 || c.TokensPerSecond > maxPace {
		return nil, provider.FaultConfig("config.tokensPerSecond", "The pace must be from 0 to 1000000 tokens per second.")
	}
	if a.options.Clock == nil {
		a = New(a.options) // the zero Adapter works too
	}
	return &engine{pace: c.TokensPerSecond, now: a.options.Clock, book: a.options.Jobs}, nil
}

// engine answers calls. It has no state of its own: what it says depends on the request alone, and jobs on their ids.
type engine struct {
	pace int
	now  clock.Clock
	book JobBook
}

// Send answers one call. Errors are those of provider.SendError.
func (e *engine) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	plan, refusal := parsePlan(c.Header.Get(header), e.pace)
	if plan.fault == faultFail {
		plan.fault = fault500 // there is no job to fail
	}
	if refusal == nil {
		refusal = plan.refuse(c.Attempt)
	}
	if refusal != nil {
		return refusal.response(c), nil
	}
	if plan.fault == faultHang && (plan.after == 0 || !c.Stream) {
		return nil, provider.SendError(ctx, pause(ctx, forever))
	}
	switch c.Kind {
	case inference.Chat:
		return e.chat(ctx, c, plan)
	case inference.Responses:
		return e.responses(ctx, c, plan)
	case inference.Embeddings:
		return e.embeddings(ctx, c, plan)
	case inference.Completions:
		return e.completions(ctx, c, plan)
	case inference.ImageGenerations, inference.ImageEdits, inference.ImageVariations:
		return e.images(ctx, c, plan)
	case inference.Speech:
		return e.speech(ctx, c, plan)
	case inference.Transcriptions, inference.Translations:
		return e.transcripts(ctx, c, plan)
	case inference.Moderations:
		return e.judge(ctx, c, plan)
	case inference.Rerank:
		return e.rank(ctx, c, plan)
	default:
		return (&failure{status: 404, code: "unknown_url", message: "The simulation has no such operation."}).response(c), nil
	}
}

// Shape says that streams tell their usage when asked.
func (e *engine) Shape() provider.Shape { return provider.Shape{StreamUsage: true} }

func models() []string {
	return []string{
		chatModel, embeddingModel, imageModel, videoModel, speechModel, transcriptModel, rerankModel, moderationModel, realtimeModel,
	}
}

// Models names the models.
func (e *engine) Models(context.Context) ([]string, error) {
	return models(), nil
}

// Classify reads one of the engine's own errors.
func (e *engine) Classify(r *http.Response, body []byte) provider.Outcome {
	code, _, _, message := wire.ParseError(body)
	o := provider.Outcome{Code: code, Message: message, RetryAfter: provider.RetryAfter(r.Header)}
	switch {
	case code == codeContextLength:
		o.Category = inference.ContextLength
	case code == codeContentPolicy:
		o.Category = inference.ContentPolicy
	case r.StatusCode == http.StatusNotFound:
		o.Category = inference.NotFound
	case r.StatusCode == http.StatusTooManyRequests:
		o.Category = inference.RateLimited
	case r.StatusCode == http.StatusServiceUnavailable:
		o.Category = inference.Overloaded
	case r.StatusCode >= http.StatusInternalServerError:
		o.Category = inference.ServerError
	default:
		o.Category = inference.InvalidRequest
	}
	return o
}

// is reports whether name is the model or a variant of it.
func is(name, model string) bool { return name == model || strings.HasPrefix(name, model+"-") }

func unknownModel(name string) *failure {
	return &failure{
		status: http.StatusNotFound, code: "model_not_found", param: "model",
		message: "The model '" + name + "' does not exist or cannot do this.",
	}
}

const forever = time.Duration(1<<63 - 1)

// pause waits; the error is the context's when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var (
	_ provider.Adapter     = Adapter{}
	_ provider.Shaper      = (*engine)(nil)
	_ provider.ModelLister = (*engine)(nil)
)
