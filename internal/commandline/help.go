package commandline

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
)

// helpWidth is how wide help is where the terminal's width is unknown.
const helpWidth = 80

// Help draws the help of a command: how it is called, what it does, its commands, arguments
// and flags. width is the terminal's, 0 where there is none.
func Help(p *lang.Printer, width int) kong.HelpPrinter {
	return func(_ kong.HelpOptions, ctx *kong.Context) error {
		w := width
		if w == 0 {
			w = helpWidth
		}
		h := helper{lang: p, out: ctx.Stdout, width: min(w, 110)}
		node := ctx.Selected()
		if node == nil {
			node = ctx.Model.Node
		}
		h.node(ctx, node)
		return nil
	}
}

type helper struct {
	lang  *lang.Printer
	out   io.Writer
	width int
}

func (h helper) node(ctx *kong.Context, n *kong.Node) {
	fmt.Fprintln(h.out, h.lang.T("Usage: %s", usage(ctx, n)))
	if n.Help != "" {
		fmt.Fprintln(h.out)
		h.para("", n.Help)
	}
	if n.Detail != "" {
		fmt.Fprintln(h.out)
		h.para("", n.Detail)
	}
	h.section(h.lang.T("Commands"), h.commands(n))
	h.section(h.lang.T("Arguments"), h.arguments(n))
	own, global := h.flags(n)
	h.section(h.lang.T("Flags"), own)
	if d := n.DefaultCmd; d != nil && n.Parent != nil {
		own, _ := h.flags(d)
		h.section(h.lang.T("Flags without a command, as for %s", d.Name), own)
	}
	h.section(h.lang.T("Global flags"), global)
	if len(n.Children) > 0 {
		fmt.Fprintln(h.out)
		h.para("", h.lang.T("`opsdeck COMMAND --help` explains a command."))
	}
}

func usage(ctx *kong.Context, n *kong.Node) string {
	if n == ctx.Model.Node {
		return "opsdeck [command] [flags]"
	}
	return "opsdeck " + strings.TrimSpace(strings.TrimPrefix(n.Summary(), "opsdeck "))
}

func (h helper) commands(n *kong.Node) [][2]string {
	var rows [][2]string
	for _, c := range n.Children {
		if !c.Hidden {
			rows = append(rows, [2]string{c.Name, c.Help})
		}
	}
	return rows
}

func (h helper) arguments(n *kong.Node) [][2]string {
	var rows [][2]string
	for _, p := range n.Positional {
		rows = append(rows, [2]string{p.Summary(), h.withDefault(p)})
	}
	return rows
}

// flags splits what a command may be given into its own and those of every command.
func (h helper) flags(n *kong.Node) (own, global [][2]string) {
	for at := n; at != nil; at = at.Parent {
		for _, f := range at.Flags {
			if f.Hidden {
				continue
			}
			row := [2]string{flagName(f), h.withDefault(f.Value)}
			if at == n && n.Parent != nil && f.Name != "help" {
				own = append(own, row)
			} else {
				global = append(global, row)
			}
		}
	}
	return own, global
}

// withDefault is the help of a flag or an argument with the value that it has when it is not given.
func (h helper) withDefault(v *kong.Value) string {
	if !v.HasDefault || v.Default == "" || v.IsBool() {
		return v.Help
	}
	text := strings.TrimRight(v.Help, ".。")
	return h.lang.T("%s (default %s).", text, v.Default)
}

func flagName(f *kong.Flag) string {
	name := "    --" + f.Name
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", --" + f.Name
	}
	if !f.IsBool() {
		name += " " + f.FormatPlaceHolder()
	}
	return name
}

func (h helper) section(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(h.out, "\n%s\n", h.lang.T("%s:", title))
	left := 0
	for _, r := range rows {
		left = max(left, min(cells.Width(r[0]), 30))
	}
	for _, r := range rows {
		lines := cells.Wrap(r[1], max(20, h.width-left-4))
		head := cells.Pad(r[0], left)
		if cells.Width(r[0]) > left {
			fmt.Fprintf(h.out, "  %s\n", r[0])
			head = strings.Repeat(" ", left)
		}
		for _, line := range lines {
			fmt.Fprintln(h.out, strings.TrimRight("  "+head+"  "+line, " "))
			head = strings.Repeat(" ", left)
		}
	}
}

func (h helper) para(indent, text string) {
	for _, line := range cells.Wrap(text, h.width-len(indent)) {
		fmt.Fprintln(h.out, indent+line)
	}
}
