// Writes src/mini/api/schema/types.txt: the fields of every kind the embedded API server knows, as the published Go types
// declare them. Run it where the modules k8s.io/api and k8s.io/apimachinery of the version wanted are unpacked:
//
//	go run ci/record/schema.go $(go env GOMODCACHE)/k8s.io v0.37.2 > src/mini/api/schema/types.txt
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"sort"
	"strings"
)

var packages = map[string]string{
	"core": "api/core/v1", "apps": "api/apps/v1", "storage": "api/storage/v1", "policy": "api/policy/v1",
	"discovery": "api/discovery/v1", "coordination": "api/coordination/v1", "autoscaling": "api/autoscaling/v1",
	"events": "api/events/v1", "meta": "apimachinery/pkg/apis/meta/v1",
}

// The kinds, by the package that declares them; the group is the one in objects.
var kinds = []string{
	"core.Namespace", "core.Node", "core.Pod", "core.Service", "core.Endpoints", "core.PersistentVolumeClaim", "core.PersistentVolume",
	"core.ConfigMap", "core.Secret", "core.ServiceAccount", "core.Event", "core.ResourceQuota", "core.Binding",
	"apps.StatefulSet", "apps.Deployment", "apps.ReplicaSet", "apps.ControllerRevision", "apps.DaemonSet",
	"storage.StorageClass", "policy.PodDisruptionBudget", "policy.Eviction", "discovery.EndpointSlice", "coordination.Lease",
	"events.Event", "autoscaling.Scale", "meta.DeleteOptions",
}

// Types with an encoding of their own.
var special = map[string]string{
	"meta.Time": "time", "meta.MicroTime": "microtime", "meta.FieldsV1": "fields", "resource.Quantity": "quantity",
	"intstr.IntOrString": "int-or-string", "runtime.RawExtension": "raw", "types.UID": "string(types.UID)",
	"types.NodeName": "string(types.NodeName)",
}

type declared struct {
	pkg  string
	spec *ast.TypeSpec
	doc  string
}

var types = map[string]declared{}

func main() {
	root, version := os.Args[1], os.Args[2]
	for pkg, path := range packages {
		module, rest, _ := strings.Cut(path, "/")
		parsed, err := parser.ParseDir(token.NewFileSet(), root+"/"+module+"@"+version+"/"+rest,
			func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }, parser.ParseComments)
		if err != nil {
			panic(err)
		}
		for _, p := range parsed {
			for _, file := range p.Files {
				for _, decl := range file.Decls {
					if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE {
						for _, spec := range g.Specs {
							t := spec.(*ast.TypeSpec)
							types[pkg+"."+t.Name.Name] = declared{pkg, t, raw(g.Doc)}
						}
					}
				}
			}
		}
	}
	fmt.Printf("# The fields of every kind, as Kubernetes %s declares them; written by ci/record/schema.go.\n", strings.Replace(version, "v0", "v1", 1))
	fmt.Println("# type NAME [atomic], then one line a field: NAME TYPE [keep] [list=set|list=map:KEYS] [atomic] [merge[=KEY]] [retain]")
	fmt.Println("# keep: written even if empty. list: how server-side apply merges. merge, retain: how a strategic merge patch does.")
	for _, kind := range kinds {
		need(kind)
	}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		write(next)
	}
	sort.Strings(texts)
	fmt.Print(strings.Join(texts, ""))
}

var (
	queue []string
	seen  = map[string]bool{}
	texts []string
)

func need(name string) {
	if !seen[name] {
		seen[name] = true
		queue = append(queue, name)
	}
}

func write(name string) {
	d := types[name]
	if d.spec == nil {
		panic(name)
	}
	text := "type " + name
	if strings.Contains(d.doc, "+structType=atomic") {
		text += " atomic"
	}
	texts = append(texts, text+"\n"+fields(d)+"\n")
}

// The text of a comment with its markers, which Text() leaves out.
func raw(group *ast.CommentGroup) string {
	text := ""
	if group != nil {
		for _, line := range group.List {
			text += line.Text + "\n"
		}
	}
	return text
}

func fields(d declared) string {
	out := ""
	s := d.spec.Type.(*ast.StructType)
	for _, f := range s.Fields.List {
		tag := reflect.StructTag("")
		if f.Tag != nil {
			tag = reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
		}
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		if name == "-" || (name == "" && len(f.Names) > 0) {
			continue
		}
		if name == "" {
			inline := resolve(d.pkg, f.Type)
			out += fields(types[strings.TrimPrefix(inline, "*")])
			continue
		}
		t := resolve(d.pkg, f.Type)
		structure := !strings.HasPrefix(t, "*") && !strings.HasPrefix(t, "[]") && !strings.HasPrefix(t, "map[]") && strings.Contains(t, ".") && !strings.Contains(t, "(")
		structure = structure || t == "time" || t == "microtime" || t == "quantity" || t == "int-or-string" || t == "raw"
		doc := raw(f.Doc)
		line := "  " + name + " " + t
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") || structure && !strings.Contains(options, "omitzero") {
			line += " keep"
		}
		keys := []string{}
		list := ""
		for _, l := range strings.Split(doc, "\n") {
			l = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "//"))
			if v, ok := strings.CutPrefix(l, "+listType="); ok {
				list = v
			}
			if v, ok := strings.CutPrefix(l, "+listMapKey="); ok && !contains(keys, v) {
				keys = append(keys, v)
			}
		}
		switch list {
		case "map":
			line += " list=map:" + strings.Join(keys, ",")
		case "set":
			line += " list=set"
		}
		if strings.Contains(doc, "+structType=atomic") || strings.Contains(doc, "+mapType=atomic") {
			line += " atomic"
		}
		for _, strategy := range strings.Split(tag.Get("patchStrategy"), ",") {
			switch strategy {
			case "merge":
				line += " merge"
				if key := tag.Get("patchMergeKey"); key != "" {
					line += "=" + key
				}
			case "retainKeys":
				line += " retain"
			}
		}
		out += line + "\n"
	}
	return out
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

func resolve(pkg string, e ast.Expr) string {
	switch t := e.(type) {
	case *ast.StarExpr:
		return "*" + resolve(pkg, t.X)
	case *ast.ArrayType:
		if i, ok := t.Elt.(*ast.Ident); ok && i.Name == "byte" {
			return "bytes"
		}
		return "[]" + resolve(pkg, t.Elt)
	case *ast.MapType:
		return "map[]" + resolve(pkg, t.Value)
	case *ast.SelectorExpr:
		name := t.X.(*ast.Ident).Name
		if name == "metav1" {
			name = "meta"
		}
		if name == "v1" || name == "corev1" {
			name = "core"
		}
		return named(name, t.Sel.Name)
	case *ast.Ident:
		switch t.Name {
		case "string", "bool", "int32", "int64", "float64":
			return t.Name
		}
		return named(pkg, t.Name)
	}
	panic(fmt.Sprintf("%T", e))
}

func named(pkg, name string) string {
	full := pkg + "." + name
	if s, ok := special[full]; ok {
		return s
	}
	d, ok := types[full]
	if !ok {
		panic(full)
	}
	switch t := d.spec.Type.(type) {
	case *ast.StructType:
		need(full)
		return full
	case *ast.Ident:
		inner := resolve(d.pkg, t)
		if strings.Contains(inner, ".") && !strings.Contains(inner, "(") {
			return inner
		}
		return inner + "(v1." + name + ")"
	case *ast.MapType:
		return resolve(d.pkg, t) + "(v1." + name + ")"
	default:
		return resolve(d.pkg, t)
	}
}
