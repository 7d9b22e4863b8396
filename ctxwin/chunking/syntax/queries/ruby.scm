(class name: (_) @name body: (_)? @body) @definition.class
(module name: (_) @name body: (_)? @body) @definition.module
(method name: (_) @name body: (_)? @body) @definition.method
(singleton_method name: (_) @name body: (_)? @body) @definition.method
(program (assignment left: (constant) @name right: (_) @body) @definition.constant)
(body_statement (assignment left: (constant) @name right: (_) @body) @definition.constant)

(call method: (_) @reference)
(superclass [(constant) @reference (scope_resolution name: (constant) @reference)])
(call receiver: [(constant) @reference (scope_resolution name: (constant) @reference)])

(call method: (identifier) @_called arguments: (argument_list (string (string_content) @import))
  (#any-of? @_called "require" "require_relative" "load"))

(comment) @above
