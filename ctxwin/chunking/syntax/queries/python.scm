(class_definition name: (identifier) @name body: (block) @body) @definition.class
(module (function_definition name: (identifier) @name body: (block) @body) @definition.function)
(function_definition name: (identifier) @name body: (block) @body) @definition.function
(decorated_definition definition: (_ name: (identifier) @name)) @outer
(module (expression_statement (assignment left: (identifier) @name right: (_) @body)) @definition.constant)
(module (expression_statement (assignment left: (identifier) @name type: (_) !right)) @definition.constant)
(class_definition
  body: (block (expression_statement (assignment left: (identifier) @name right: (_)? @body)) @definition.field))

(call function: (identifier) @reference)
(call function: (attribute attribute: (identifier) @reference))
(class_definition superclasses: (argument_list [(identifier) @reference (attribute attribute: (identifier) @reference)]))
(type (identifier) @reference)
(type (attribute attribute: (identifier) @reference))
(type (generic_type (identifier) @reference))
(decorator [(identifier) @reference (attribute attribute: (identifier) @reference)])

(import_statement name: [(dotted_name) @import (aliased_import name: (dotted_name) @import)])
(import_from_statement module_name: (_) @import)
(import_from_statement module_name: (_) @from name: [(dotted_name) @import.name (aliased_import name: (dotted_name) @import.name)])

(comment) @above
(decorator) @above
