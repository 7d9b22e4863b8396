(class_declaration name: (identifier) @name [(class_body) (enum_class_body)]? @body) @definition.class
(object_declaration name: (identifier) @name (class_body)? @body) @definition.class
(companion_object name: (identifier) @name (class_body)? @body) @definition.class
(function_declaration name: (identifier) @name (function_body)? @body) @definition.function
(type_alias type: (identifier) @name) @definition.type
(source_file (property_declaration (variable_declaration (identifier) @name)) @definition.constant)
(class_body (property_declaration (variable_declaration (identifier) @name)) @definition.field)

(call_expression . [(identifier) @reference (navigation_expression (identifier) @reference .)])
(constructor_invocation (user_type (identifier) @reference))
(delegation_specifier (user_type (identifier) @reference))
(parameter (user_type (identifier) @reference))
(class_parameter (user_type (identifier) @reference))
(variable_declaration (user_type (identifier) @reference))
(annotation (user_type (identifier) @reference))

(import (qualified_identifier) @import)

[(line_comment) (block_comment)] @above
