package cli

import (
	"cmp"
	"fmt"
	"text/tabwriter"
)

type configCommands struct {
	Show  configShowCommand  `cmd:"" help:"Print every setting with its value and where it comes from; secrets are masked."`
	Check configCheckCommand `cmd:"" help:"Say whether the configuration is valid."`
	Doc   configDocCommand   `cmd:"" help:"Print the reference of all settings as Markdown."`
}

type configShowCommand struct{ settings }

// Run prints a table of settings, values and sources.
func (c configShowCommand) Run(p Program) error {
	_, report, err := c.load(p)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, value := range report.Values {
		fmt.Fprintf(table, "%s\t%s\t%s\n", value.Name, cmp.Or(value.Text, "-"), value.Source)
	}
	return table.Flush()
}

type configCheckCommand struct{ settings }

// Run fails with everything that is wrong, or says that nothing is.
func (c configCheckCommand) Run(p Program) error {
	if _, _, err := c.load(p); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.Stdout, "the configuration is valid")
	return err
}
