package app

import (
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// codecs translate between chat protocols, in the order in which an upstream that speaks several is asked in them. Those that
// are no wire.Codec are for upstreams alone.
func codecs() []wire.UpstreamCodec {
	return []wire.UpstreamCodec{
		openai.ChatCodec, anthropic.Codec, gemini.Codec, openai.ResponsesCodec, bedrock.Codec, ollama.Codec,
	}
}

// embeddingCodecs translate between protocols of embeddings.
func embeddingCodecs() []wire.EmbeddingCodec {
	return []wire.EmbeddingCodec{openai.EmbeddingCodec, gemini.EmbeddingCodec}
}
