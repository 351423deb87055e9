// Package provider is the contract between the relay and the upstreams it calls.
//
// An adapter is one folder that knows one kind of upstream: how an account is described and entered, how a call is sent,
// and what the upstream's answers mean. It knows nothing of callers, routes, prices or wallets. Adding one edits a single
// line elsewhere, in provider/all.
package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// Adapter knows one kind of upstream. It is stateless and safe for concurrent use.
type Adapter interface {
	// Describe tells people and forms about the adapter.
	Describe() Description
	// Open prepares an account for calls: it checks the configuration and parses what would otherwise be parsed on every
	// call. It does no I/O. Codes: provider_config_invalid with the path of the field.
	Open(Account) (Upstream, error)
}

// Upstream is an account ready to be called. It is safe for concurrent use.
type Upstream interface {
	// Send makes one call. A non-nil response has a body to be closed, whatever its status; for a streamed call that
	// succeeded it is the event stream in the adapter's dialect. An error means that no response came:
	// it wraps the context's error if that ended the call. Cancelling ctx ends the call and the body.
	Send(ctx context.Context, c *Call) (*http.Response, error)
	// Classify says what a response that is not a success means. body is its (possibly shortened) body.
	Classify(r *http.Response, body []byte) Outcome
}

// Call is one call as the relay wants it made.
type Call struct {
	Kind   inference.Kind
	Stream bool
	// Model is the upstream's own name of the model; Body already holds it.
	Model string
	// Body is in the adapter's dialect for Kind. It is shared by all attempts: adapters never write to it.
	Body        []byte
	ContentType string
	// Header holds the few caller headers that may go out; the adapter adds its own.
	Header    http.Header
	RequestID string
	// Attempt counts the tries of one request from 1.
	Attempt int
	// IdempotencyKey is the same for all tries to submit one job, and for no other job; empty where nothing is submitted. It
	// goes to upstreams that start no second job under a key, in whatever form they want it; it is unguessable, ours, and
	// never a caller's own key, because accounts are shared by tenants.
	IdempotencyKey string
	// Source is the upstream's own name of the job that a job is to be made from; empty: it is one of its own. It was submitted
	// under the same account and credential. The upstream does not know it any more: category not_found.
	Source string
}

// Account is one upstream account with one credential.
type Account struct {
	BaseURL string
	// AuthType is one of Description.AuthTypes; "" means the first.
	AuthType string
	// Credential holds the fields that Description.Credential names.
	Credential map[string]secret.String
	// Headers are the operator's own, checked; they go out with every call, but never instead of the adapter's.
	Headers map[string]string
	// Config is the JSON of the adapter's own settings; empty means its defaults.
	Config []byte
	// Transport makes the HTTP calls; it follows no redirects and keeps connections.
	Transport http.RoundTripper
}

// Description says what an adapter is and what it needs to be told.
type Description struct {
	Name           string // as in a platform's provider field
	Title          string
	Logo           string // an SVG path drawn in a 24×24 box
	DefaultBaseURL string
	AuthTypes      []string
	// Dialects tells which format the upstream speaks for each operation it offers.
	Dialects map[inference.Kind]inference.Dialect
	// Credential and Config are what a form asks for.
	Credential []Field
	Config     []Field
	// Models are names to suggest when the upstream cannot list its own.
	Models []string
	// Simulated says that calls reach nobody and are booked in simulated money.
	Simulated bool
}

// Field is one input of a form. Label and Help are by language ("en", "zh").
type Field struct {
	Name     string
	Type     string // "text", "url", "secret", "number", "bool", "select", "map" (names and texts)
	Label    map[string]string
	Help     map[string]string
	Required bool
	Default  string
	Options  []string
}

// Outcome says what became of an attempt, in words that policies understand.
type Outcome struct {
	Category inference.Category
	// Code is the upstream's own error code, Message its text when it is safe to show (no host, key or account).
	Code    string
	Message string
	// RetryAfter is how long the upstream asked to be left alone; zero when it did not say.
	RetryAfter time.Duration
}

// ModelLister is an ability: the upstream can name its models.
type ModelLister interface {
	// Models returns the upstream's own model names. The error is an *Error.
	Models(ctx context.Context) ([]string, error)
}

// TokenCounter is an ability: the upstream counts the input of a request, without answering it and free of charge.
type TokenCounter interface {
	// CountTokens counts; c is as for Send. The error is an *Error, or wraps the context's.
	CountTokens(ctx context.Context, c *Call) (int64, error)
}

// Error is an outcome other than success where a call returns an error.
type Error struct {
	Outcome
	Status int
}

// Error returns the category, the code and the message.
func (e *Error) Error() string { return string(e.Category) + " " + e.Code + ": " + e.Message }

// Shaper is an ability: the upstream wants requests in a shape of its own within its dialect.
type Shaper interface {
	Shape() Shape
}

// Shape is how an upstream differs from the dialect it speaks. The zero value is the plain dialect without stream usage.
type Shape struct {
	// MaxOutputParam is the member that limits output tokens; "" means the dialect's usual one.
	MaxOutputParam string
	// StreamUsage says that the upstream tells the usage of a stream when asked.
	StreamUsage bool
	// ReturnReasoning says that the upstream wants to see the reasoning of earlier turns again.
	ReturnReasoning bool
	// FixedSampling says that the upstream refuses requests that say how tokens are chosen, such as temperature.
	FixedSampling bool
}
