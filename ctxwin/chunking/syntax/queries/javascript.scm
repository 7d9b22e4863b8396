(function_declaration name: (identifier) @name body: (_) @body) @definition.function
(generator_function_declaration name: (identifier) @name body: (_) @body) @definition.function
(class_declaration name: (_) @name body: (_) @body) @definition.class
(method_definition name: (_) @name body: (_) @body) @definition.method
(export_statement declaration: [
  (function_declaration name: (_) @name) (generator_function_declaration name: (_) @name)]) @outer
(export_statement declaration: (class_declaration name: (_) @name)) @outer
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
(field_definition property: (_) @name value: (arrow_function body: (_) @body)) @definition.method
(program (lexical_declaration . (variable_declarator name: (identifier) @name value: (_) @body)) @definition.constant)
(program (variable_declaration . (variable_declarator name: (identifier) @name value: (_) @body)) @definition.constant)
(program (export_statement declaration: (lexical_declaration . (variable_declarator name: (identifier) @name value: (_) @body))) @outer)

(call_expression function: (identifier) @reference)
(call_expression function: (member_expression property: (_) @reference))
(new_expression constructor: [(identifier) @reference (member_expression property: (_) @reference)])
(class_heritage [(identifier) @reference (member_expression property: (_) @reference)])

(import_statement source: (string) @import)
(export_statement source: (string) @import)
(call_expression function: (identifier) @_called arguments: (arguments . (string) @import) (#eq? @_called "require"))
(call_expression function: (import) arguments: (arguments . (string) @import))

(comment) @above
(decorator) @above
