package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// ChatCodec translates chat completions. Beyond OpenAI's own words it knows those that became usual among servers of this
// protocol: reasoning_content and reasoning_details of messages, extra_content of calls, cache_control of parts.
// Sources: the provider sheets "openai", section 1, and "translation".
var ChatCodec wire.Codec = chatCodec{}

type chatCodec struct{}

// Kind returns inference.Chat.
func (chatCodec) Kind() inference.Kind { return inference.Chat }

// Dialect returns inference.OpenAI.
func (chatCodec) Dialect() inference.Dialect { return inference.OpenAI }

// maxToolName is how long the name of a tool may be.
const maxToolName = 64

// ToolRules are those of most servers: few but OpenAI's know tools that take free text, and those speak responses too.
func (chatCodec) ToolRules() wire.ToolRules {
	return wire.ToolRules{LongestName: maxToolName}
}

// chatRest keeps a value that the pivot has no word for.
func chatRest(v jsondoc.Value) inference.Rest {
	return inference.Rest{Dialect: inference.OpenAI, Kind: inference.Chat, Path: v.Path, Value: v.Raw}
}

// isOfChat reports whether an encoder of chat completions can put a value back as it is.
func isOfChat(r *inference.Rest) bool {
	return r.Dialect == inference.OpenAI && r.Kind == inference.Chat
}

// newCallID names a call that its upstream left nameless.
func newCallID() string {
	u := id.New()
	const hex = "0123456789abcdef"
	out := []byte("call_")
	for _, b := range u {
		out = append(out, hex[b>>4], hex[b&15])
	}
	return string(out)
}

func required(path, message string) error { return fault.ErrInvalid.Saying(message).At(path) }

// Formats of reasoning_details, by the dialect that sealed them. They are OpenRouter's, but for Bedrock's, which it has not.
const (
	sealAnthropic = "anthropic-claude-v1"
	sealOpenAI    = "openai-responses-v1"
	sealGemini    = "google-gemini-v1"
	sealBedrock   = "bedrock-converse-v1"
)

func sealFormat(d inference.Dialect) string {
	switch d {
	case inference.Anthropic:
		return sealAnthropic
	case inference.Gemini:
		return sealGemini
	case inference.Bedrock:
		return sealBedrock
	default:
		return sealOpenAI
	}
}

func sealDialect(format string) inference.Dialect {
	switch format {
	case sealAnthropic:
		return inference.Anthropic
	case sealGemini:
		return inference.Gemini
	case sealBedrock:
		return inference.Bedrock
	default:
		return inference.OpenAI
	}
}
