// Package wire is what the relay needs of a wire format: to read the few facts that routing and pricing go by, to edit
// the bytes that must change, to meter what comes back, and to speak errors.
package wire

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Format is one wire format: a dialect for one operation. It is safe for concurrent use.
type Format interface {
	Kind() inference.Kind
	Dialect() inference.Dialect
	// Peek reads a request. The error is a *fault.Error that names the field.
	Peek(body []byte) (Ask, error)
	// InputTokens estimates the request's input, for upstreams that do not tell.
	InputTokens(body []byte, a *Ask) int64
	// Edit appends to dst the request with the changes made; no other byte differs. a is what Peek returned for body.
	Edit(dst, body []byte, a *Ask, c Change) []byte
	// Answer checks a buffered answer and meters it. ok is false when it is not a valid answer of this format.
	Answer(body []byte) (m Metered, ok bool)
	// Meter returns a meter for one stream.
	Meter(o MeterOptions) Meter
	// ErrorBody is an error as a whole answer, ErrorFrame as a stream's last words.
	ErrorBody(f *fault.Error) []byte
	ErrorFrame(f *fault.Error) []byte
	// End is what terminates a stream; empty when nothing does.
	End() []byte
}

// API returns what a format is the format of.
func API(f Format) inference.API { return inference.API{Kind: f.Kind(), Dialect: f.Dialect()} }

// Texter is an ability of a format: it can tell what a request says. Rules that go by content need it.
type Texter interface {
	// Text returns the text of a request's messages, not much longer than limit bytes. a is what Peek returned for body.
	Text(body []byte, a *Ask, limit int) string
}

// Answerer is an ability of a format: what an answer is depends on the request, and need not be JSON.
type Answerer interface {
	// AnswerTo is Format.Answer for the answer to a request; a is what Peek returned for it.
	AnswerTo(a *Ask, body []byte) (m Metered, ok bool)
	// ContentType is what callers are told that the answer is; upstream is what the upstream says of it.
	ContentType(a *Ask, upstream string) string
}

// Passer is an ability of a format: its whole answers can be used from their first bytes on, as sound can, so they are passed
// on as they come.
type Passer interface {
	Answerer
	// Passing returns a meter for one answer to a request.
	Passing(a *Ask) Passing
}

// Passing meters an answer that is passed on as it comes. It is not safe for concurrent use.
type Passing interface {
	// Add takes the next bytes. It reports false when they show that this is no answer of the format.
	Add(b []byte) bool
	// Result is what was metered so far.
	Result() Metered
}

// Counting is an ability of a format: it counts by a model's vocabulary, for upstreams that tell no usage.
type Counting interface {
	// CountInput counts a request; a is what Peek returned for body.
	CountInput(body []byte, a *Ask, f tokens.Family) int64
	// CountAnswer counts the output of a buffered answer.
	CountAnswer(body []byte, f tokens.Family) int64
}

// Former is an ability of a format: its requests may also come as forms.
type Former interface {
	// FromForm returns the request as JSON, which is what is checked, priced, kept and sent, so that all four are the same.
	// boundary is what separates the parts. The error is a *fault.Error that names the field.
	FromForm(body []byte, boundary string) ([]byte, error)
}

// Storing is an ability of a format: what it answers has a name, by which it can be asked for again and continued.
type Storing interface {
	// Name is what callers know the answer of a task by, Named the task of such a name; false: it is none.
	Name(task id.ID) string
	Named(name string) (task id.ID, ok bool)
	// Stored reads what a request wants in that regard. a is what Peek returned for body.
	Stored(body []byte, a *Ask) StoredAsk
	// Continue appends to dst the request with what it continues before its input, the oldest first, and continuing nothing.
	// hidden says that thoughts go along that only the upstream account which had them can read.
	Continue(dst, body []byte, a *Ask, past []Turn, hidden bool) []byte
	// Rename appends to dst an answer for which Answer was ok, under names of ours.
	Rename(dst, answer []byte, n *Names) []byte
}

// StoredAsk is what a request says of what is kept.
type StoredAsk struct {
	// Keep says that the answer may be asked for again, Explicit that the request says so.
	Keep, Explicit bool
	// Previous is the name of what the request continues; "": nothing.
	Previous string
	// Source is the name of what the answer is to be made from, which only the upstream account that made it has; "": nothing.
	Source string
	// Input is what the request brings, as it was written.
	Input []byte
}

// Turn is one call of a conversation: what it brought, and its whole answer.
type Turn struct{ Input, Answer []byte }

// Names are what an answer is called, and what it says that it continues; "": nothing.
type Names struct{ ID, Previous string }

// AnswerKeeper is an ability of a meter: it has the whole answer once the stream has ended.
type AnswerKeeper interface {
	// Answer returns the answer, renamed; nil before the end.
	Answer() []byte
}

// MediaBearer is an ability of a format: its whole answers hold media.
type MediaBearer interface {
	// Media lists what an answer holds for which Answer was ok, in its order.
	Media(body []byte) []Medium
	// WithMedia appends to dst the answer with its media exchanged for those given, which are as many as Media found.
	WithMedia(dst, body []byte, media []Medium) []byte
}

// Medium is one thing that an answer holds: an address, or else the thing itself.
type Medium struct {
	URL string
	// Data is base64, as it stands in the answer.
	Data []byte
}

// HeaderPasser is an ability of a format: headers of the caller's are a part of its requests, and go to upstreams with them.
type HeaderPasser interface {
	// Passes are the headers' names, in canonical form.
	Passes() []string
}

// StatusTeller is an ability of a format: its protocol answers some faults with a status of its own.
type StatusTeller interface {
	// Status is the HTTP status that a fault is answered with.
	Status(f *fault.Error) int
}

// MediaForm is how a caller wants the media of an answer.
type MediaForm uint8

// The forms.
const (
	AsMade   MediaForm = iota // as the upstream gives them
	AsURL                     // as addresses
	AsBase64                  // in the answer itself
)

// Typed is an ability of a format: its streams need not be event streams.
type Typed interface {
	// StreamType is the content type of a stream as callers get it.
	StreamType() string
}

// Closer is an ability of a meter: streams of its format end with an event that callers need, as it came.
type Closer interface {
	// Last returns the event that had the sign Ended, nil before that. It is sent when all else is settled.
	Last() []byte
}

// MeterCounter is an ability of a meter: it counts what was delivered by the model's vocabulary.
type MeterCounter interface {
	// Delivered is the count for a stream that ended without usage. Metered.OutputTokens is cheaper; in a stream whose
	// upstream tells no usage it is never above what Delivered will be.
	Delivered() int64
	// Release gives back what counting took.
	Release()
}

// Ask is what a request asks for, as far as routing and pricing need to know.
type Ask struct {
	Model       string
	Stream      bool
	WantsUsage  bool  // the caller asked for usage in the stream
	MaxOutput   int64 // output tokens per choice; 0: no limit given
	Choices     int64 // at least 1
	InputBound  int64 // the most input tokens that the request can have, for holds
	Inputs      int64 // that are read apart, each with a context of its own; 0 is one
	Images      int64 // images to be made; 0: as many as Choices says
	Seconds     int64 // of video or sound to be made or listened to; 0: it does not say
	Characters  int64 // of text to be spoken; 0: it does not say
	ImageTokens int64 // output tokens that one image takes at most, where images are made
	Searches    int64 // that it may make at most, by tools of the upstream's or because it ranks documents
	OutputBound int64 // output tokens that the answer can have, where the caller cannot limit them; 0: none
	// SecondsBound says that Seconds is only the most that there can be.
	SecondsBound bool
	MediaForm    MediaForm
	// Dimensions are the parameters that prices may go by, as text, such as size and quality; nil: none are known.
	Dimensions   map[string]string
	StickyKey    string
	Simulation   bool // the caller asked for the simulation engine
	FormatFacts  any  // the format's own findings, for Edit
	ServiceClass string
	// Background says that the caller does not wait for the answer and asks for it later.
	Background bool
	// Needs is what a model must be able to do for the request.
	Needs Needs
}

// Needs is a set of abilities, as far as a format sees that a request needs them.
type Needs uint8

// The abilities.
const (
	NeedsImages Needs = 1 << iota // pictures in the input
	NeedsTools                    // tools to call
)

// Change is what the relay changes in a request. Zero fields leave it as it is.
type Change struct {
	Model     string
	MaxOutput int64
	// MaxOutputParam is the name under which the upstream expects MaxOutput; "" means the format's usual one.
	MaxOutputParam string
	AskUsage       bool
}

// Metered is what a meter or an answer tells.
type Metered struct {
	Usage inference.Usage
	// Known says that the upstream told the usage and that it can be trusted.
	Known bool
	// OutputTokens is the local count of what was delivered, where the upstream did not tell.
	OutputTokens int64
	// Guessed is what of Usage is only estimated, for formats that know some of it and not the rest. Where a price goes by
	// something guessed the bill is an estimate; what no price goes by is forgotten.
	Guessed inference.Resources
}

// MeterOptions say what the caller did not ask for and therefore must not see, and how to count.
type MeterOptions struct {
	HideUsage bool
	// Family is what the model counts tokens by. NoUsage says that the upstream tells no usage, so that the text is counted
	// as it comes.
	Family  tokens.Family
	NoUsage bool
	// Choices is how many answers the caller asked for; 0 is one.
	Choices int64
	// Ask is what was asked for; nil where the meter does not go by it. Nobody writes to it.
	Ask *Ask
	// Names are what the answer is to be called; nil: as the upstream calls it.
	Names *Names
}

// Meter watches one stream. It is not safe for concurrent use.
type Meter interface {
	// Event looks at one event, given as its data, and at its raw bytes. It returns the bytes to deliver: raw itself, an
	// edited copy valid until the next call, or nothing.
	Event(raw, data []byte) (deliver []byte, sign Sign)
	// Result is what was metered so far.
	Result() Metered
	// Tokens is Result's OutputTokens, for callers who ask after each event.
	Tokens() int64
}

// Runner is an ability of a meter: where events are like the one before it takes many of them at once.
type Runner interface {
	// Run takes events from the beginning of b, whole and as they came off the wire, while they need no closer look and Tokens
	// stays within most. It appends to dst what is to be delivered, and returns how many bytes of b it took. The stream goes on.
	Run(dst, b []byte, most int64) (deliver []byte, taken int)
}

// Sign is what an event means for the stream's life.
type Sign uint8

// The signs.
const (
	Goes     Sign = iota // the stream goes on
	Finished             // the answer is complete; only usage and the terminator may follow
	Ended                // this is the terminator
	Broken               // the upstream reports an error in the stream
	Garbled              // this is no event of the format; it was not counted
)
