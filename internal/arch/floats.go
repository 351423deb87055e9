package arch

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ExactFolders hold the arithmetic of money and quota: no float may be there, for one that rounds differently on two
// paths makes a balance that no audit can explain.
var ExactFolders = []string{
	"internal/kernel/money", "internal/domain/pricing", "internal/domain/wallet", "internal/domain/limits",
	"internal/journal",
}

// floatNames are the predeclared types and the standard functions that make floats.
var floatNames = []string{"float32", "float64", "complex64", "complex128", "ParseFloat", "FormatFloat", "NewFloat"}

// Floats returns the places in the non-test Go files below folder that speak of floating point, sorted.
func Floats(tree fs.FS, folder string) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		places, err := floatsOf(name, source)
		found = append(found, places...)
		return err
	})
	return found, err
}

func floatsOf(name string, source []byte) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		if text := floatIn(node); text != "" {
			found = append(found, fmt.Sprintf("%s: %s", files.Position(node.Pos()), text))
		}
		return true
	})
	return found, nil
}

// floatIn returns the floating point that the node itself holds, "" for none.
func floatIn(node ast.Node) string {
	switch n := node.(type) {
	case *ast.Ident:
		if slices.Contains(floatNames, n.Name) {
			return n.Name
		}
	case *ast.BasicLit:
		if (n.Kind == token.FLOAT || n.Kind == token.IMAG) && !isPowerOfTen(n.Value) {
			return n.Value
		}
	}
	return ""
}

// isPowerOfTen reports whether a literal such as 1e9 only abbreviates an integer: as a constant it is exact.
func isPowerOfTen(literal string) bool {
	value := constant.ToInt(constant.MakeFromLiteral(literal, token.FLOAT, 0))
	return value.Kind() == constant.Int && !strings.Contains(literal, ".")
}
