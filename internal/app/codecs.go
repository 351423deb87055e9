package app

import (
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// codecs translate between chat protocols, in the order in which an upstream that speaks several is asked in them.
func codecs() []wire.Codec {
	return []wire.Codec{openai.ChatCodec, anthropic.Codec, gemini.Codec, openai.ResponsesCodec}
}
