(function_declaration name: (identifier) @name body: (_) @body) @definition.function
(generator_function_declaration name: (identifier) @name body: (_) @body) @definition.function
(function_signature name: (identifier) @name) @definition.function
(class_declaration name: (_) @name body: (_) @body) @definition.class
(abstract_class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(type_alias_declaration name: (_) @name value: (_) @body) @definition.type
(internal_module name: (_) @name body: (_) @body) @definition.module
(module name: (_) @name body: (_)? @body) @definition.module
(method_definition name: (_) @name body: (_) @body) @definition.method
(method_signature name: (_) @name) @definition.method
(abstract_method_signature name: (_) @name) @definition.method
(export_statement declaration: (_ name: (_) @name)) @outer
(ambient_declaration (_ name: (_) @name)) @outer
(export_statement "default" value: [
  (function_expression body: (_) @body) (arrow_function body: (_) @body)] @name.default) @definition.function
(export_statement "default" value: (class body: (_) @body) @name.default) @definition.class

(lexical_declaration . (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @definition.function
(variable_declaration . (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @definition.function
(export_statement declaration: (lexical_declaration . (variable_declarator name: (identifier) @name
  value: [(arrow_function) (function_expression)]))) @outer
(expression_statement (assignment_expression left: [(identifier) @name (member_expression) @name]
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @definition.function
(pair key: (_) @name value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @definition.method
(public_field_definition name: (_) @name value: (arrow_function body: (_) @body)) @definition.method
(program (lexical_declaration . (variable_declarator name: (identifier) @name value: (_) @body)) @definition.constant)
(program (variable_declaration . (variable_declarator name: (identifier) @name value: (_) @body)) @definition.constant)
(program (export_statement declaration: (lexical_declaration . (variable_declarator name: (identifier) @name value: (_) @body))) @outer)

(call_expression function: (identifier) @reference)
(call_expression function: (member_expression property: (_) @reference))
(new_expression constructor: [(identifier) @reference (member_expression property: (_) @reference)])
(extends_clause value: (identifier) @reference)
(type_annotation (type_identifier) @reference)
(generic_type name: (type_identifier) @reference)
(type_arguments (type_identifier) @reference)
(array_type (type_identifier) @reference)
(union_type (type_identifier) @reference)
(implements_clause (type_identifier) @reference)
(extends_type_clause (type_identifier) @reference)

(import_statement source: (string) @import)
(import_require_clause source: (string) @import)
(export_statement source: (string) @import)
(call_expression function: (identifier) @_called arguments: (arguments . (string) @import) (#eq? @_called "require"))
(call_expression function: (import) arguments: (arguments . (string) @import))

(comment) @above
(decorator) @above
