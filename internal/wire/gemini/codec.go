package gemini

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// Codec translates requests to generate content. Sources: the provider sheets "gemini", section 1, and "translation".
var Codec wire.Codec = codec{}

type codec struct{}

// Kind returns inference.GenerateContent.
func (codec) Kind() inference.Kind { return inference.GenerateContent }

// Dialect returns inference.Gemini.
func (codec) Dialect() inference.Dialect { return inference.Gemini }

// ToolRules are what Google takes for sure.
func (codec) ToolRules() wire.ToolRules {
	return wire.ToolRules{LongestName: 64, Beyond: ".", LetterFirst: true}
}

// restOf keeps a value that the pivot has no word for.
func restOf(v jsondoc.Value) inference.Rest {
	return inference.Rest{Dialect: inference.Gemini, Kind: inference.GenerateContent, Path: v.Path, Value: v.Raw}
}

// isOwn reports whether a value can be put back as it is.
func isOwn(r *inference.Rest) bool { return r != nil && r.Dialect == inference.Gemini }

// camel is a member's name in camel case: Google takes either spelling.
func camel(name string) string {
	if strings.IndexByte(name, '_') <= 0 {
		return name
	}
	words := strings.Split(name, "_")
	for i := 1; i < len(words); i++ {
		if words[i] != "" {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}

// newCallID names a call that the model left nameless.
func newCallID() string { return "call_" + strings.ReplaceAll(id.New().String(), "-", "") }

func required(path, message string) error { return fault.ErrInvalid.Saying(message).At(path) }

// foreignSeal begins what other providers sealed and Google's callers are to send back to us in the place of a signature.
const foreignSeal = "gantry-seal:"

// foreignSignature is how signatures begin that foreignSeal stands in.
var foreignSignature = []byte(`"` + base64.StdEncoding.EncodeToString([]byte(foreignSeal)))

// ForeignSeals implements wire.SealFinder.
func (codec) ForeignSeals(body []byte) bool { return bytes.Contains(body, foreignSignature) }

// signature is a seal as it is written beside a part.
func signature(s *inference.Seal) string {
	if s.Dialect == inference.Gemini {
		return s.Data
	}
	whole := "-"
	if s.Whole {
		whole = "+"
	}
	return base64.StdEncoding.EncodeToString([]byte(foreignSeal + string(s.Dialect) + whole + s.Data))
}

// sealOf reads a signature: Google's own, or another provider's that passed through Google's protocol.
func sealOf(text string) *inference.Seal {
	raw, err := base64.StdEncoding.DecodeString(text)
	if rest, ok := strings.CutPrefix(string(raw), foreignSeal); err == nil && ok {
		if at := strings.IndexAny(rest, "+-"); at > 0 {
			return &inference.Seal{Dialect: inference.Dialect(rest[:at]), Data: rest[at+1:], Whole: rest[at] == '+'}
		}
	}
	return &inference.Seal{Dialect: inference.Gemini, Data: text}
}

// noSignature is what Google documents for calls that none of its models made: it is not held against them.
const noSignature = "skip_thought_signature_validator"

// generation tells what a model's name says of it.
type generation struct {
	signs  bool // wants its signatures back, and thinks by levels
	thinks bool // by budgets or by levels
	old    bool // knows schemas only in Google's own form
	pro    bool
}

// generationOf reads a model's name. What is not known counts as current.
func generationOf(model string) generation {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	g := generation{pro: strings.Contains(name, "pro"), signs: strings.HasPrefix(name, "gemini-3")}
	for _, old := range [...]string{"gemini-1", "gemini-2.0", "gemini-pro", "gemini-exp", "gemma", "learnlm"} {
		g.old = g.old || strings.HasPrefix(name, old)
	}
	g.thinks = !g.old
	return g
}
