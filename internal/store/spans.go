package store

// span is a stretch of a list in which n of its rows lie, between two numbers or moments, both included. The spans of a list
// do not overlap, and the newest come first.
type span struct{ first, last, n int64 }

// endless is the end of the span that has none.
const endless = 1<<63 - 1

// spansAtOnce bounds how many spans one query reads.
const spansAtOnce = 32

func sumSpans(spans []span) (total int64) {
	for _, s := range spans {
		total += s.n
	}
	return total
}

// pageSpans reads a page of a list, skipping the spans before it. read returns the rows of some spans from an offset on, no
// more than size.
func pageSpans[T any](spans []span, offset, size int64, read func(some []span, offset, size int64) ([]T, error)) (out []T, err error) {
	for len(spans) > 0 && spans[0].n <= offset {
		offset -= spans[0].n
		spans = spans[1:]
	}
	for len(spans) > 0 && size > 0 {
		n, have := 0, -offset
		for n < len(spans) && n < spansAtOnce && have < size {
			have += spans[n].n
			n++
		}
		some, err := read(spans[:n], offset, size)
		if err != nil {
			return nil, err
		}
		out, spans, offset, size = append(out, some...), spans[n:], 0, size-int64(len(some))
	}
	return out, nil
}
