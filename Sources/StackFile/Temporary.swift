import StackModel
package struct Placeholder {}
