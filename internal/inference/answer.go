package inference

import "encoding/json"

// Stop says why an answer ended.
type Stop uint8

// The reasons. StopUnsaid is that of an answer which is not complete.
const (
	StopUnsaid Stop = iota
	StopEnd
	StopSequence // one of the texts that the caller gave
	StopLength   // the limit on output tokens
	StopContext  // the model's context window
	StopTools    // tools are to be called
	StopRefusal  // the model or its provider will not answer
	StopPause    // the provider's own tools need another turn
)

// Answer is a whole chat answer in nobody's dialect.
type Answer struct {
	ID      string
	Model   string
	Created int64 // seconds since 1970; 0 where the dialect does not say
	// Candidates are the answers, at least one, by index.
	Candidates []Candidate
	Usage      Usage
	HasUsage   bool
	// ServiceTier is the one that served the request.
	ServiceTier string
	Rest        []Rest
}

// Candidate is one answer.
type Candidate struct {
	Parts []Part
	Stop  Stop
	// Sequence is the text that ended the answer, of StopSequence.
	Sequence string
}

// Logprob is a token, and how likely it was.
type Logprob struct {
	Token string
	// Value is the natural logarithm of the probability, as it was written.
	Value json.Number
	// Bytes are the token's where it is no whole text by itself; nil: those of Token.
	Bytes []byte
	// Top are the likeliest tokens of its place, if they were asked for.
	Top []Logprob
}

// DeltaKind says what happened in a stream.
type DeltaKind uint8

// What can happen. A stream is Begin, then for each block Open, any number of Fragment and SealFragment, and Close; then
// Finish for each candidate, UsageTold at any time (the last one counts), and End. Failed may come at any time and is the last.
const (
	DeltaBegin    DeltaKind = iota
	DeltaOpen               // a block begins; Part has its kind, its Call without arguments, and no text
	DeltaFragment           // Text goes on: that of the block, or a call's arguments; Part.Logprobs are of it
	DeltaSeal               // Text is the seal of the block, whole
	DeltaCite               // Part.Citations has a source of the block's text
	DeltaClose              // the block is complete
	DeltaFinish             // the candidate is complete: Stop and Sequence
	DeltaUsage              // Usage is what was used so far, not what was added
	DeltaEnd                // nothing follows
	DeltaFailed             // the upstream reports an error: Failure
)

// Delta is one step of a streamed answer in nobody's dialect.
type Delta struct {
	Kind DeltaKind
	// Candidate is the index of the answer that it belongs to.
	Candidate int
	// Block numbers the blocks of a candidate, from 0, in the order in which they open. Blocks may overlap in dialects that
	// interleave calls; wire.Serial puts them one after another.
	Block int
	Part  Part
	Text  string
	// Dialect is the seal's, of DeltaSeal; Whole says that the reasoning itself is in the seal.
	Dialect  Dialect
	Whole    bool
	Stop     Stop
	Sequence string
	Usage    Usage
	// ID, Model, Created and ServiceTier are of DeltaBegin; the tier may come again with DeltaFinish.
	ID, Model   string
	Created     int64
	ServiceTier string
	Failure     *Failure
}

// Failure is an error that an upstream reports within a stream.
type Failure struct {
	Category Category
	Code     string
	Message  string
}
