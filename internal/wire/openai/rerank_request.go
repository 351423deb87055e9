package openai

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// RerankFacts is what is peeked of a request to rank documents.
type RerankFacts struct {
	Facts

	// Query and Documents stand as they were written: texts, or objects with a text or a picture.
	Query     []byte
	Documents [][]byte
	// TopN is how many results are wanted; 0 is all.
	TopN int64
	// ReturnDocuments says that results are to have their documents; it is false where the request does not say.
	ReturnDocuments bool

	top jsonscan.Field
}

// MaxDocuments is how many documents are ranked by one call. Source: Cohere's limit, the highest there is.
const MaxDocuments = 10_000

var rerankKeys = jsonscan.NewKeys("query", "documents", "top_n", "return_documents")

const (
	inQuery = iota
	inDocuments
	inTopN
	inReturn
	numRerankKeys
)

// PeekRerank reads the facts of a request to rank documents. The error is a *RequestError.
func PeekRerank(body []byte) (RerankFacts, error) {
	var f RerankFacts
	var own [numRerankKeys]jsonscan.Field
	err := f.scan(body)
	if err == nil {
		if _, _, err = rerankKeys.Scan(body, own[:]); err != nil {
			err = scanError(err)
		}
	}
	for _, read := range [...]func() error{
		func() error { return f.readModel(body) },
		func() error { return f.readQuery(body, own[inQuery]) },
		func() error { return f.readDocuments(body, own[inDocuments]) },
		func() error { return f.readTop(body, own[inTopN]) },
		func() error { return f.readReturn(body, own[inReturn]) },
		func() error { return f.readTexts(body) },
	} {
		if err == nil {
			err = read()
		}
	}
	f.N = 1
	return f, err
}

func (f *RerankFacts) readQuery(body []byte, span jsonscan.Field) error {
	f.Query = span.In(body)
	switch {
	case !span.Found() || jsonscan.IsNull(body, span) || string(f.Query) == `""`:
		return missing("query", "Missing required parameter: 'query'.")
	case f.Query[0] != '"' && f.Query[0] != '{':
		return invalidType("query", "a string")
	}
	return nil
}

func (f *RerankFacts) readDocuments(body []byte, span jsonscan.Field) error {
	value := span.In(body)
	switch {
	case !span.Found() || jsonscan.IsNull(body, span):
		return missing("documents", "Missing required parameter: 'documents'.")
	case value[0] != '[':
		return invalidType("documents", "an array of strings or objects")
	case emptyArray(value):
		return &RequestError{Message: "Invalid 'documents': empty array.", Param: "documents", Code: "empty_array"}
	}
	for it := jsonscan.Elements(value); it.Next(); {
		if len(f.Documents) == MaxDocuments {
			return invalidValue("documents", "Invalid 'documents': at most "+strconv.Itoa(MaxDocuments)+" are taken.")
		}
		if it.Value[0] != '"' && it.Value[0] != '{' {
			return invalidType("documents["+strconv.Itoa(len(f.Documents))+"]", "a string or an object")
		}
		f.Documents = append(f.Documents, it.Value)
	}
	f.InputBytes = len(value) + len(f.Query)*len(f.Documents) // the query is read with every document
	return nil
}

func (f *RerankFacts) readTop(body []byte, span jsonscan.Field) (err error) {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return nil
	}
	f.top = span
	f.TopN, err = integer(body, span, "top_n", MaxOutputCap)
	return err
}

func (f *RerankFacts) readReturn(body []byte, span jsonscan.Field) (err error) {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return nil
	}
	if f.ReturnDocuments, err = jsonscan.Bool(body, span); err != nil {
		return invalidType("return_documents", "a boolean")
	}
	return nil
}

// Top is how many results there will be.
func (f *RerankFacts) Top() int {
	if n := int64(len(f.Documents)); f.TopN == 0 || f.TopN > n {
		return int(n)
	}
	return int(f.TopN)
}
