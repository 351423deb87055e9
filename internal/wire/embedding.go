package wire

import "github.com/gantry-ai/gantry/internal/inference"

// EmbeddingCodec translates one format of embeddings from and to the pivot (inference.Embedding, Vectors). It is safe for
// concurrent use.
type EmbeddingCodec interface {
	Dialect() inference.Dialect
	// DecodeEmbedding reads a caller's request. The error is a *fault.Error with the path of the field.
	DecodeEmbedding(body []byte) (*inference.Embedding, error)
	// EncodeEmbedding writes a request for an upstream. What cannot be said goes to l, whose error ends the encoding.
	EncodeEmbedding(e *inference.Embedding, l *Losses) ([]byte, error)
	// DecodeVectors reads an upstream's answer. The error says that it is none.
	DecodeVectors(body []byte) (*inference.Vectors, error)
	// EncodeVectors writes an answer for a caller who asked e. The error says that a vector is none.
	EncodeVectors(v *inference.Vectors, e *inference.Embedding) ([]byte, error)
}
