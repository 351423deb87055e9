// Package page holds how lists are asked for and answered.
package page

import "github.com/gantry-ai/gantry/internal/kernel/fault"

// Bounds of a page's size.
const (
	DefaultSize = 50
	MaxSize     = 200
)

// Request asks for one page. Page counts from 1; the zero value means the first page of DefaultSize rows.
type Request struct {
	Page int
	Size int
}

// Page is one page of T. Total counts the rows of all pages.
type Page[T any] struct {
	Items []T
	Total int64
	Page  int
	Size  int
}

// ErrRange says that a page or a size is out of its bounds.
var ErrRange = fault.New(400, "invalid_page", "The page or page size is out of range.")

// Normal returns r with its defaults filled in. Code: invalid_page.
func (r Request) Normal() (Request, error) {
	if r.Page == 0 {
		r.Page = 1
	}
	if r.Size == 0 {
		r.Size = DefaultSize
	}
	if r.Page < 1 || r.Page > 1_000_000 {
		return r, ErrRange.At("page")
	}
	if r.Size < 1 || r.Size > MaxSize {
		return r, ErrRange.At("pageSize")
	}
	return r, nil
}

// Offset is the number of rows before a normal page.
func (r Request) Offset() int { return (r.Page - 1) * r.Size }

// Of makes a page of the given rows.
func Of[T any](r Request, items []T, total int64) Page[T] {
	return Page[T]{Items: items, Total: total, Page: r.Page, Size: r.Size}
}
