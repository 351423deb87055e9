package inference

import (
	"cmp"
	"encoding/json"
	"strings"
)

// Prompt is a chat request in nobody's dialect: the pivot between the protocols that callers and upstreams speak. Decoders
// of the wire packages make one, encoders read it. Zero members were not given. What a dialect says beyond these words is
// kept in Rest and in parts of kind PartOther, so that nothing is lost without somebody deciding so.
// Source: DESIGN section 12; shared/providers/translation.md.
type Prompt struct {
	Model  string
	Stream bool
	// StreamUsage says that the caller wants the usage in the stream, where a dialect leaves that to callers.
	StreamUsage bool
	// System holds the instructions that precede the conversation, in order.
	System []Part
	Turns  []Turn
	Tools  []Tool
	Choice ToolChoice
	// Serial says that the model must not call several tools at once.
	Serial    bool
	Output    Output
	Reasoning Reasoning
	Sampling
	// MaxOutput is in tokens, reasoning included; 0: no limit was given.
	MaxOutput int64
	Stop      []string
	// Choices is how many answers are wanted; 0 is one.
	Choices      int64
	Verbosity    string
	User         string // who it is for, as the caller names them
	CacheKey     string
	ServiceTier  string
	Store        *bool
	PreviousID   string // of the stored answer that this one continues
	Conversation string
	Metadata     json.RawMessage // an object of texts
	Rest         []Rest
}

// Sampling is how tokens are chosen. Numbers are as they were written: no dialect's figure is rounded by another's type.
type Sampling struct {
	Temperature, TopP, PresencePenalty, FrequencyPenalty json.Number
	TopK, Seed                                           json.Number
	// TopLogprobs is how many alternatives are wanted with each token; nil: log probabilities are not wanted.
	TopLogprobs *int64
}

// Rest is a member that has no place in a Prompt. Encoders of the same dialect put it back; for others it is a loss.
type Rest struct {
	// Dialect and Kind name the format that it comes from.
	Dialect Dialect
	Kind    Kind
	// Path is where it stood, such as "logit_bias" or "tools[2]".
	Path  string
	Value json.RawMessage
}

// Role says who speaks.
type Role uint8

// The roles. Results of tools are parts of a user's turn. A system turn is one in the middle of the conversation.
const (
	RoleUser Role = iota
	RoleAssistant
	RoleSystem
)

// Turn is one speaker's contribution. Decoders merge nothing that a caller kept apart, except consecutive results of tools,
// which become one turn; encoders merge where their dialect demands that roles alternate.
type Turn struct {
	Role  Role
	Parts []Part
	// Name tells participants of one role apart.
	Name string
	// Path is where the turn stood in its request, such as "messages[3]", for errors.
	Path string
}

// PartKind says what a part is.
type PartKind uint8

// The kinds of parts.
const (
	PartText PartKind = iota
	PartRefusal
	PartReasoning
	PartImage
	PartDocument
	PartAudio
	PartVideo
	PartCall   // the model calls a tool
	PartResult // what a tool returned
	PartOther  // something that only its dialect knows
)

// Part is one piece of a turn or of an answer. Which members count depends on Kind.
type Part struct {
	Kind PartKind
	// Text is that of PartText, PartRefusal and PartReasoning; of PartCall the arguments, as the model wrote them: JSON,
	// unless the model erred.
	Text   string
	Media  *Media  // PartImage, PartDocument, PartAudio, PartVideo
	Call   *Call   // PartCall
	Result *Result // PartResult
	// Seal is what a provider needs to see again to trust its own reasoning; nil: nothing.
	Seal *Seal
	// Cache marks the end of a prefix that is worth caching; nil: it does not.
	Cache     *CacheMark
	Citations []Citation
	// Logprobs are the tokens of a text and how likely they were, in order, if that was asked for.
	Logprobs []Logprob
	// ID is the part's own in dialects that number them.
	ID string
	// Other is the part as its dialect writes it, of PartOther.
	Other *Rest
	// Path is where the part stood in its request, for errors and losses.
	Path string
}

// Media is a picture, a document, a sound or a film: an address, data, or a file that an upstream keeps.
type Media struct {
	URL string
	// Data is base64.
	Data   string
	FileID string
	// Type is the MIME type, such as "image/png"; "" where it is not known. Format is its short form for sounds ("wav").
	Type, Format string
	Name         string
	Title        string
	// Context is what the model should know about a document.
	Context string
	Detail  string // "low", "high", "auto" or ""
	// Text says that a document is plain text, which is in Data as it is.
	Text bool
	// Citations says that the model should cite the document.
	Citations bool
}

// Call is the model's wish to use a tool.
type Call struct {
	// ID ties the call to its result. It is never empty in what decoders make.
	ID   string
	Name string
	// Custom says that the arguments are free text, not JSON.
	Custom bool
}

// Result is what a tool returned.
type Result struct {
	ID    string
	Name  string // of the tool, where the dialect says it or the call is in the conversation
	Parts []Part // texts, pictures and documents
	Error bool
	// Custom says that the call was one of a custom tool.
	Custom bool
}

// Seal is a provider's opaque proof of its reasoning. It means nothing to another dialect, and must not be sent to one.
type Seal struct {
	Dialect Dialect
	// Data is as the provider wrote it: a signature, or encrypted reasoning.
	Data string
	// Whole says that the reasoning itself is in Data, and Text is a summary or nothing.
	Whole bool
}

// CacheMark is a point up to which a prompt is worth caching.
type CacheMark struct {
	// TTL is "5m", "1h", or "" for the provider's own.
	TTL string
	// Dialect is that of the request which set the mark; "": not told. OpenAI's older models refuse marks, so that its encoders
	// pass on only those which a caller of OpenAI's set.
	Dialect Dialect
}

// Citation is a source of a text.
type Citation struct {
	URL, Title string
	// Start and End bound the text that the source is for, in characters; both 0: the whole part.
	Start, End int
	// Other is the citation as its dialect writes it.
	Other *Rest
}

// Tool is something that the model may call.
type Tool struct {
	Name        string
	Description string
	// Schema is the JSON Schema of the arguments; empty: none was given.
	Schema json.RawMessage
	Strict *bool
	// Custom says that the arguments are free text; Grammar bounds it.
	Custom  bool
	Grammar json.RawMessage
	// Server names a tool that the provider runs itself; "": the caller runs it.
	Server ServerTool
	// Other is a tool as its dialect writes it, when it is one of the provider's.
	Other *Rest
	Cache *CacheMark
	Path  string
}

// ServerTool is a tool that several providers run themselves.
type ServerTool string

// The server tools that have a counterpart in other dialects.
const (
	WebSearch ServerTool = "web_search"
	// ServerOther is one that only its dialect knows.
	ServerOther ServerTool = "other"
)

// ToolMode says whether the model must call tools.
type ToolMode uint8

// The modes.
const (
	ToolsUnsaid ToolMode = iota
	ToolsAuto
	ToolsNone
	ToolsRequired
)

// ToolChoice is which tools may or must be called.
type ToolChoice struct {
	Mode ToolMode
	// Names limits the choice to these tools; with ToolsRequired and one name, that tool must be called.
	Names []string
}

// OutputKind is the form of the text that the model answers with.
type OutputKind uint8

// The forms.
const (
	OutputText OutputKind = iota
	OutputJSON
	OutputSchema
)

// Output is what the text must be.
type Output struct {
	Kind        OutputKind
	Name        string
	Description string
	Schema      json.RawMessage
	Strict      *bool
	// Modalities are what the answer may be made of, such as "text" and "image"; empty: text.
	Modalities []string
}

// Reasoning is how much the model should think before it answers.
type Reasoning struct {
	// Effort is none, minimal, low, medium, high, xhigh or max; "" where it was not given.
	Effort string
	// Budget is in tokens, when the caller gave one: -1 leaves it to the model, 0 with HasBudget is none.
	Budget    int64
	HasBudget bool
	// Adaptive leaves it to the model how much it thinks.
	Adaptive bool
	// Summary is how the caller wants to be told: "auto", "concise", "detailed"; "hidden" for not at all; "" unsaid.
	Summary string
	// Seals says that the caller wants the reasoning sealed, to send it back.
	Seals bool
}

// Given reports whether the caller said anything about reasoning.
func (r *Reasoning) Given() bool { return r.Effort != "" || r.HasBudget || r.Adaptive }

// SetDataURL takes a "data:" address apart into type and data. It reports whether url was one; base64 is the only form that
// is known.
func (m *Media) SetDataURL(url string) bool {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return false
	}
	head, data, ok := strings.Cut(rest, ",")
	kind, ok2 := strings.CutSuffix(head, ";base64")
	if !ok || !ok2 {
		return false
	}
	kind, _, _ = strings.Cut(kind, ";") // parameters such as a character set
	m.Type, m.Data = kind, data
	return true
}

// SetURL takes an address, which may hold the data itself.
func (m *Media) SetURL(url string) {
	if !m.SetDataURL(url) {
		m.URL = url
	}
}

// Address is the medium as an address: its URL, or a "data:" address of its data, of the type that is given where it has
// none itself.
func (m *Media) Address(otherwise string) string {
	if m.Data == "" {
		return m.URL
	}
	return "data:" + cmp.Or(m.Type, otherwise) + ";base64," + m.Data
}
