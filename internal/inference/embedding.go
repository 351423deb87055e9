package inference

import "encoding/json"

// Purpose is what texts are embedded for; "" leaves it to the model.
type Purpose string

// The purposes, most of which several dialects know.
const (
	ForQuery          Purpose = "query"
	ForDocument       Purpose = "document"
	ForSimilarity     Purpose = "similarity"
	ForClassification Purpose = "classification"
	ForClustering     Purpose = "clustering"
	ForQuestion       Purpose = "question"
	ForFact           Purpose = "fact"
	ForCodeQuery      Purpose = "code_query"
)

// Embedding is a request for vectors in nobody's dialect, as a Prompt is one for a conversation. Zero members were not given.
// Source: shared/providers/gemini.md, section 1; openai.md, section 3; rerank-jina-cohere.md.
type Embedding struct {
	Model string
	// Inputs are what vectors are wanted of, at least one, in the order of the answer.
	Inputs []EmbeddingInput
	// Packed says that the caller wants vectors as base64 of 32-bit floats, little-endian, and not as lists of numbers.
	Packed bool
	// Several says that the caller's dialect has another answer for several inputs, and that this is the one that is wanted.
	Several bool
	User    string
	Rest    []Rest
}

// EmbeddingInput is a text that is to become a vector.
type EmbeddingInput struct {
	Text    string
	Title   string
	Purpose Purpose
	// Dimensions is how long the vector shall be; 0: the model's own length.
	Dimensions int64
	// Path is where it stood in its request, for errors and losses.
	Path string
}

// Vectors are an answer to an Embedding.
type Vectors struct {
	Model string
	// Values are lists of numbers as the upstream wrote them, one for each input.
	Values   []json.RawMessage
	Usage    Usage
	HasUsage bool
}
